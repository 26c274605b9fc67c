// Puts patches together into what one forward works on.
#pragma once

#include <lamina/data/batch.hpp>

#include <vector>

#include <torch/types.h>

namespace lamina::engine {

/// Cases of one size: images float32, labels and instances int64, one row each.
Batch collate(const std::vector<Case>& cases, const std::vector<int64_t>& samples);
/// The same batch with its tensors on another device.
Batch to_device(Batch batch, const torch::Device& device);

}  // namespace lamina::engine
