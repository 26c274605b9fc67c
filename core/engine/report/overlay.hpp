// Pictures of single cases: a slice of the image with the contours of reference and prediction.
#pragma once

#include "engine/report/comparison.hpp"

#include <lamina/data/dataset.hpp>

#include <string>
#include <vector>

namespace lamina::engine {

struct Overlay {
  std::string role;  // "best", "median", "worst"
  std::string case_id;
  int64_t slice = 0, slices = 1;
  double value = 0;     // of the primary metric, this run
  std::string image;    // data URI of a PNG
  std::string problem;  // instead of the image
};

/// Best, median and worst case of the arm's first finished run.
std::vector<Overlay> overlays_of(const ArmData& arm, const MetricInfo& metric, const Dataset& dataset);

/// [H, W, 3] bytes: one z slice, cropped around the structures, with square pixels and,
/// where the axes are aligned, in radiological view. Wide blue line: reference. Thin orange line: prediction.
torch::Tensor draw_overlay(const Case& one, const Volume& prediction, int64_t slice);
/// The slice where most voxels disagree; where none do, the one with most foreground.
int64_t slice_of_interest(const torch::Tensor& reference, const torch::Tensor& prediction);

std::string png_data_uri(const std::string& bytes);

}  // namespace lamina::engine
