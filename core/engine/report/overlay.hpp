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

/// A case in two arms: the same slice, the one where their predictions differ most.
struct OverlayPair {
  std::string role;  // "gained most", "lost most"
  int64_t seed = 0;
  Overlay before, after;  // the reference arm, the arm; their roles are the arms' names
};

/// How many pictures of each kind an arm gets.
struct PictureCounts {
  size_t extremes = 3;  // best, median and worst; 1: the worst alone
  size_t pairs = 2;     // gained most and lost most; 1: whichever is larger
};
/// So that all arms together stay near a hundred pictures, some 7 MB.
PictureCounts picture_counts(size_t arms);

/// Best, median and worst case of the arm's first finished run.
std::vector<Overlay> overlays_of(const ArmData& arm, const MetricInfo& metric, const Dataset& dataset, size_t most = 3);
/// The cases that differ most between an arm and its reference in the first seed and fold that both have.
std::vector<OverlayPair> overlay_pairs(const ArmData& arm, const ArmData& reference, const MetricInfo& metric,
                                       const Dataset& dataset, size_t most = 2);

/// [H, W, 3] bytes: one z slice, cropped around the structures (also those of `beside`), with square pixels and, where
/// the axes are aligned, in radiological view. Wide blue line: reference; thin orange line: prediction. Orange tint:
/// predicted but not there; blue stripes: there but not predicted, so that grey tells them apart; both: another class.
torch::Tensor draw_overlay(const Case& one, const Volume& prediction, int64_t slice, const Volume* beside = nullptr);
/// The slice where most voxels disagree; where none do, the one with most foreground.
int64_t slice_of_interest(const torch::Tensor& reference, const torch::Tensor& prediction);

}  // namespace lamina::engine
