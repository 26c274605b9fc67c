// The end of a prediction: the winning class of every voxel, slab by slab.
#pragma once

#include <lamina/data/slab_sink.hpp>

namespace lamina::engine {

class ArgmaxSink : public SlabSink {
 public:
  /// Labels are uint8 for up to 256 classes, int16 beyond.
  ArgmaxSink(const Size3& size, int64_t classes);
  void put(const torch::Tensor& scores) override;  ///< [K, d, H, W]
  void finish() override;                          ///< Error when slices are missing
  torch::Tensor labels() const;                    ///< [1, D, H, W]

 private:
  Size3 size_;
  int64_t classes_, received_ = 0;
  torch::Tensor labels_;  // [D, H, W]
};

}  // namespace lamina::engine
