// Clips CT to the foreground's percentiles over the training set, then scales by the foreground's mean and spread.
#include "ct_clip_zscore.hpp"

#include "statistics.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina {
namespace {

constexpr uint64_t kSamplingSeed = 1234;  // a constant: the same training set always gives the same numbers

/// Values [C, count] at foreground voxels drawn with replacement; [C, 0] without foreground.
torch::Tensor draw_foreground(const Case& one, int64_t count, Random random) {
  if (!one.has_label()) {
    throw DataError(
        text("case ", one.id, " has no label; ct_clip_zscore learns from the foreground of training cases"));
  }
  const auto& labels = one.labels.primary().voxels;
  auto foreground = labels.gt(0);
  if (one.ignore) foreground.logical_and_(labels.ne(*one.ignore));
  const auto places = foreground.flatten().nonzero().flatten();
  const auto channels = one.images.primary().voxels.flatten(1);  // [C, D*H*W]
  if (places.numel() == 0) return channels.narrow(1, 0, 0);
  auto drawn = at::empty({count}, at::kLong);
  for (int64_t i = 0; i < count; ++i) drawn.data_ptr<int64_t>()[i] = random.integer(0, places.numel() - 1);
  return channels.index_select(1, places.index_select(0, drawn));
}

}  // namespace

void CtClipZscoreOptions::bind(OptionBinder& o) {
  o.field("low", low, "percentile of the foreground below which values are clipped", Range{0, 100});
  o.field("high", high, "percentile of the foreground above which values are clipped", Range{0, 100});
  o.field("samples", samples, "foreground voxels drawn over all training cases, shared out equally", AtLeast{1});
}

void CtClipZscoreOptions::check(OptionErrors& errors, const std::string& where) const {
  if (low >= high) errors.add(where + ".low", text("got ", low, ", expected less than high (", high, ")"));
}

CtClipZscore::CtClipZscore(const Options& options, const TransformContext&) : options_(options) {}

TensorDict CtClipZscore::fit(const std::vector<std::string>& training_ids,
                             const std::function<Case(const std::string&)>& load) {
  const int64_t cases = std::max<int64_t>(1, static_cast<int64_t>(training_ids.size()));
  const int64_t share = std::max<int64_t>(1, options_.samples / cases);
  std::vector<torch::Tensor> drawn;
  for (const auto& id : training_ids) {
    drawn.push_back(draw_foreground(load(id), share, Random(kSamplingSeed, {drawn.size()})));
  }
  const auto pooled = drawn.empty() ? at::empty({0, 0}) : at::cat(drawn, 1);  // [C, samples]
  if (pooled.size(1) == 0) {
    throw DataError(text("none of the ", training_ids.size(),
                         " training cases has foreground; ct_clip_zscore learns its window from it"));
  }
  auto statistics = at::empty({pooled.size(0), 4}, at::kDouble);
  for (int64_t channel = 0; channel < pooled.size(0); ++channel) {
    const auto values = pooled[channel];
    const auto [mean, sd] = normalizing::moments(values);
    statistics[channel] = at::tensor({normalizing::quantile(values, options_.low / 100),
                                      normalizing::quantile(values, options_.high / 100), mean, sd},
                                     at::kDouble);
  }
  TensorDict state{{"statistics", statistics}};
  restore(state);
  return state;
}

void CtClipZscore::restore(const TensorDict& state) {
  const auto found = state.find("statistics");
  if (found == state.end() || found->second.dim() != 2 || found->second.size(1) != 4) {
    throw Error("the stored state of ct_clip_zscore lacks 'statistics' [channels, 4]; train again");
  }
  statistics_ = found->second.to(at::kDouble).contiguous();
}

Case CtClipZscore::apply(Case one, Random&) const {
  constexpr double kSmallest = 1e-8;
  if (!statistics_.defined()) throw Error("ct_clip_zscore needs its statistics: fit() or restore() comes first");
  for (auto& [stream, volume] : one.images) {
    if (volume.voxels.size(0) != statistics_.size(0)) {
      throw DataError(text("case ", one.id, " has ", volume.voxels.size(0), " channels in '", stream,
                           "', the training cases had ", statistics_.size(0)));
    }
    auto result = volume.voxels.clone();
    for (int64_t index = 0; index < statistics_.size(0); ++index) {
      const double* s = statistics_[index].data_ptr<double>();
      result[index].clamp_(s[0], s[1]).sub_(s[2]).div_(std::max(s[3], kSmallest));
    }
    volume.voxels = result;
  }
  return one;
}

}  // namespace lamina
