// What one forward works on.
#pragma once

#include <lamina/base/streams.hpp>
#include <lamina/data/case.hpp>
#include <lamina/data/prompts.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct Batch {
  Streams<torch::Tensor> images;             ///< [B, C, D, H, W] float32, D = 1 for 2D
  Streams<torch::Tensor> labels, instances;  ///< [B, 1, D, H, W] int64; empty where there are none
  Streams<Prompts> prompts;                  ///< from the user, for the prompter `given`
  std::vector<std::string> ids;              ///< case of each row
  std::vector<Geometry> geometry;
  std::vector<Box> valid;                    ///< what is not padding, in patch voxels
  std::vector<int64_t> sample;               ///< global sample index of each row
  std::optional<int64_t> ignore;             ///< label value that is not counted
};

}  // namespace lamina
