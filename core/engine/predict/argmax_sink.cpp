// Writes the winning classes of arriving slabs into one label map.
#include "engine/predict/argmax_sink.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>

#include <ATen/ops/empty.h>

namespace lamina::engine {

ArgmaxSink::ArgmaxSink(const Size3& size, int64_t classes) : size_(size), classes_(classes) {
  labels_ = at::empty({size[0], size[1], size[2]}, classes <= 256 ? at::kByte : at::kShort);
}

void ArgmaxSink::put(const torch::Tensor& scores) {
  nn::require_shape(scores, {classes_, nn::kAny, size_[1], size_[2]}, "class scores");
  const int64_t slices = scores.size(1);
  if (received_ + slices > size_[0]) throw Error(text("got scores of more than ", size_[0], " slices"));
  labels_.narrow(0, received_, slices).copy_(scores.argmax(0));
  received_ += slices;
}

void ArgmaxSink::finish() {
  if (received_ != size_[0]) throw Error(text("got scores of ", received_, " slices, expected ", size_[0]));
}

torch::Tensor ArgmaxSink::labels() const { return labels_.unsqueeze(0); }

}  // namespace lamina::engine
