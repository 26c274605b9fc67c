// All cases on one voxel spacing, as nnU-Net resamples them.
#include "resample.hpp"

#include "score_resizer.hpp"
#include "volume_resize.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// numpy's percentile (linear interpolation), `share` in 0..1.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double position = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(position);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (position - static_cast<double>(low)) * (values[high] - values[low]);
}

/// One list of values an axis.
struct Grids {
  std::array<std::vector<double>, 3> spacing, size;
};

/// nnU-Net's planner: where slices are far apart and few, the thick axis takes the 10th percentile of its spacings.
double thick_axis_spacing(const Grids& grids, size_t thick, double other_spacing) {
  return std::max(quantile(grids.spacing[thick], 0.1), other_spacing + 1e-5);
}

resampling::Spacing3 median_spacing(const Grids& grids, bool nnunet) {
  resampling::Spacing3 median{};
  for (size_t axis = 0; axis < 3; ++axis) median[axis] = quantile(grids.spacing[axis], 0.5);
  if (!nnunet) return median;
  const auto thick = static_cast<size_t>(std::max_element(median.begin(), median.end()) - median.begin());
  double other_spacing = 0, other_size = INFINITY;
  for (size_t axis = 0; axis < 3; ++axis) {
    if (axis == thick) continue;
    other_spacing = std::max(other_spacing, median[axis]);
    other_size = std::min(other_size, quantile(grids.size[axis], 0.5));
  }
  if (median[thick] > 3 * other_spacing && quantile(grids.size[thick], 0.5) * 3 < other_size) {
    median[thick] = thick_axis_spacing(grids, thick, other_spacing);
  }
  return median;
}

}  // namespace

void ResampleOptions::bind(OptionBinder& o) {
  o.field("spacing", spacing,
          "voxel spacing in mm as [z, y, x], null keeps an axis as it is; or \"median\" of the training cases; or "
          "\"nnunet\": the median, with a finer one along thick slices");
  o.field("separate_above", separate_above,
          "slices thicker than this many times the finest spacing are not interpolated across, only chosen",
          AtLeast{1});
}

void ResampleOptions::check(OptionErrors& errors, const std::string& where) const {
  const auto wrong = [&] {
    errors.add(
        where + ".spacing",
        "got " + spacing.dump() + ", expected [z, y, x] in mm with null for axes to keep, \"median\" or \"nnunet\"");
  };
  if (spacing.is_string()) {
    if (spacing.as_text() != "median" && spacing.as_text() != "nnunet") wrong();
    return;
  }
  if (!spacing.is_array() || spacing.size() != 3) return wrong();
  for (size_t axis = 0; axis < 3; ++axis) {
    const ConfigNode entry = spacing.at(axis);
    if (!entry.is_null() && (!entry.is_number() || entry.as_number() <= 0)) return wrong();
  }
}

Resample::Resample(const Options& options, const TransformContext& context)
    : options_(options), two_dimensional_(context.patch[0] == 1), ready_(!is_fitted_rule()) {
  if (is_fitted_rule()) return;
  for (size_t axis = 0; axis < 3; ++axis) {
    const ConfigNode entry = options_.spacing.at(axis);
    if (!entry.is_null()) spacing_[axis] = entry.as_number();
  }
}

TensorDict Resample::fit(const std::vector<std::string>& training_ids,
                         const std::function<Case(const std::string&)>& load) {
  if (!is_fitted_rule()) return {};
  if (training_ids.empty()) throw DataError("resample takes its spacing from the training cases, but there are none");
  Grids grids;
  for (const auto& id : training_ids) {
    const Frame frame = frame_of(load(id));
    for (size_t axis = 0; axis < 3; ++axis) {
      grids.spacing[axis].push_back(frame.geometry.spacing[axis]);
      grids.size[axis].push_back(static_cast<double>(frame.size[axis]));
    }
  }
  const auto spacing = median_spacing(grids, options_.spacing.as_text() == "nnunet");
  TensorDict state{{"spacing", at::tensor(std::vector<double>(spacing.begin(), spacing.end()), at::kDouble)}};
  restore(state);
  return state;
}

void Resample::restore(const TensorDict& state) {
  if (!is_fitted_rule()) return;
  const auto found = state.find("spacing");
  if (found == state.end() || found->second.numel() != 3) {
    throw Error("the stored state of resample lacks 'spacing' (3 numbers); train again or give the spacing as a list");
  }
  const auto values = found->second.to(at::kDouble).contiguous();
  for (size_t axis = 0; axis < 3; ++axis) spacing_[axis] = values.data_ptr<double>()[axis];
  if (two_dimensional_) spacing_[0].reset();
  ready_ = true;
}

resampling::Spacing3 Resample::target_spacing(const Frame& frame) const {
  if (!ready_) throw Error("resample needs the training cases' median spacing: fit() or restore() comes first");
  resampling::Spacing3 target = frame.geometry.spacing;
  for (size_t axis = 0; axis < 3; ++axis) {
    if (spacing_[axis] && frame.size[axis] > 1) target[axis] = *spacing_[axis];
  }
  return target;
}

Volume Resample::resample(const Volume& volume, resampling::Content content) const {
  if (!volume.defined()) return volume;
  const Frame frame{volume.size(), volume.geometry};
  const auto target = target_spacing(frame);
  const Size3 size = resampling::resized(frame.size, frame.geometry.spacing, target);
  if (size == frame.size) return volume;
  const auto separate = resampling::separate_axis(frame.geometry.spacing, target, options_.separate_above);
  return resampling::resized_volume(volume, size, separate, content);
}

Case Resample::apply(Case one, Random&) const {
  const Size3 before = one.images.primary().size();
  for (auto& [stream, volume] : one.images) volume = resample(volume, resampling::Content::Image);
  for (auto* streams : {&one.labels, &one.instances}) {
    for (auto& [stream, volume] : *streams) volume = resample(volume, resampling::Content::Labels);
  }
  one.valid = resampling::resized_box(one.valid, before, one.images.primary().size());
  return one;
}

std::unique_ptr<SlabSink> Resample::inverse(const Frame& before, const Frame& after, SlabSink& next) const {
  if (before.size == after.size) return nullptr;
  const auto separate =
      resampling::separate_axis(target_spacing(before), before.geometry.spacing, options_.separate_above);
  return std::make_unique<resampling::ScoreResizer>(after.size, before.size, separate, next);
}

}  // namespace lamina
