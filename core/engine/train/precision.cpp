// Switches autocast on and off, and its cache of cast weights with it.
#include "engine/train/precision.hpp"

#include <ATen/autocast_mode.h>

namespace lamina::engine {
namespace {

torch::Tensor full(const torch::Tensor& tensor) {
  return tensor.defined() && tensor.is_floating_point() ? tensor.to(torch::kFloat32) : tensor;
}

Output full(Output output) {
  for (torch::Tensor* tensor :
       {&output.classes, &output.low_res, &output.quality, &output.query_masks, &output.query_classes}) {
    *tensor = full(*tensor);
  }
  for (auto& stage : output.stages) stage = full(std::move(stage));
  return output;
}

void make_full(Streams<Output>& outputs) {
  for (auto& [stream, output] : outputs) output = full(std::move(output));
}

}  // namespace

Autocast::Autocast(const std::string& amp, const torch::Device& device)
    : active_(amp == "bf16"), device_(device.type()) {
  if (!active_) return;
  enabled_before_ = at::autocast::is_autocast_enabled(device_);
  type_before_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!active_) return;
  // Cast weights are kept per nesting level; stale ones would be used after the next optimizer step.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, enabled_before_);
  at::autocast::set_autocast_dtype(device_, type_before_);
}

Prediction in_full_precision(Prediction prediction) {
  make_full(prediction.outputs);
  for (auto& round : prediction.rounds) make_full(round);
  for (auto& [name, tensor] : prediction.aux) tensor = full(tensor);
  return prediction;
}

}  // namespace lamina::engine
