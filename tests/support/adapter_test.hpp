// For tests of adapters: a U-Net that sees slices, in which an adapter along depth shows itself.
#pragma once

#include "component_test.hpp"
#include "golden_file.hpp"

namespace lamina::testing {

/// The model section of a two-dimensional U-Net with these adapters. Its convolutions have no bias: behind them comes a
/// norm, through which no gradient would reach it.
inline std::string slices_unet(const std::string& adapters) {
  return R"({"encoder": {"type": "unet_encoder", "dimensions": 2, "channels": [8, 12], "conv_bias": false}, "adapters": [)" +
         adapters + R"(], "decoder": {"type": "unet", "conv_bias": false}})";
}

inline torch::Tensor classes(Model& model, const torch::Tensor& image) {
  Batch batch;
  batch.images.set(kPrimaryStream, image);
  return forward(model, Mode::Infer, batch).outputs.primary().classes;
}

}  // namespace lamina::testing
