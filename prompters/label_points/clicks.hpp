// Where to click: inside a region, and on the largest mistake of a mask. Masks are bool [H, W] on the CPU.
#pragma once

#include <lamina/base/random.hpp>
#include <lamina/data/regions.hpp>

#include <cstdint>
#include <optional>
#include <vector>

#include <torch/types.h>

namespace lamina::label_points {

/// Up to `count` different pixels of a mask. With `random` they are drawn evenly; without, each is the one farthest
/// from everything outside and from those before it. Fewer where the mask has fewer.
std::vector<Pixel> pixels_in(const torch::Tensor& mask, int64_t count, std::optional<Random> random);

struct Mistake {
  torch::Tensor mask;
  bool missed = false;  ///< part of the truth that the prediction lacks; else what it has too much
};

/// The largest connected region (8 neighbours) where the masks differ, `counted` pixels only; of equally large ones a
/// missed one, then the first. None where they agree.
std::optional<Mistake> largest_mistake(const torch::Tensor& truth, const torch::Tensor& predicted,
                                       const torch::Tensor& counted);

}  // namespace lamina::label_points
