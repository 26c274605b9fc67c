// Mixed precision for one forward.
#pragma once

#include <lamina/model/prediction.hpp>

#include <string>

#include <torch/types.h>

namespace lamina::engine {

/// While it lives, torch picks bfloat16 where that is safe; "none" changes nothing.
class Autocast {
 public:
  Autocast(const std::string& amp, const torch::Device& device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool active_;
  torch::DeviceType device_;
  bool enabled_before_ = false;
  torch::ScalarType type_before_ = torch::kFloat32;
};

/// Every floating tensor as float32: losses are computed in full precision.
Prediction in_full_precision(Prediction prediction);

}  // namespace lamina::engine
