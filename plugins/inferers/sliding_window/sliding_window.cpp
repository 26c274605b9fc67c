// The sliding window: windows in z-major order through the network, sums in slabs.
#include "sliding_window.hpp"

#include "slab_accumulator.hpp"
#include "windows.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina {

namespace {

const std::vector<std::string> kAxes{"z", "y", "x"};

/// All subsets of the axes, the empty one first; an axis of one voxel has no mirror image of its own.
std::vector<std::vector<int64_t>> mirror_subsets(const std::vector<std::string>& axes, const Size3& patch) {
  std::vector<std::vector<int64_t>> subsets{{}};
  for (size_t axis = 0; axis < 3; ++axis) {
    if (patch[axis] == 1 || std::find(axes.begin(), axes.end(), kAxes[axis]) == axes.end()) continue;
    const std::vector<std::vector<int64_t>> without = subsets;
    for (std::vector<int64_t> subset : without) {
      subset.push_back(static_cast<int64_t>(axis) + 2);
      subsets.push_back(subset);
    }
  }
  return subsets;
}

Streams<torch::Tensor> mirrored(const Streams<torch::Tensor>& tensors, const std::vector<int64_t>& dimensions) {
  Streams<torch::Tensor> made;
  for (const auto& [stream, tensor] : tensors) made.set(stream, tensor.flip(dimensions));
  return made;
}

Batch mirrored(Batch batch, const std::vector<int64_t>& dimensions) {
  if (dimensions.empty()) return batch;
  batch.images = mirrored(batch.images, dimensions);
  batch.labels = mirrored(batch.labels, dimensions);
  batch.instances = mirrored(batch.instances, dimensions);
  return batch;
}

/// Class scores [B, K, pz, py, px] of one forward, float32 on the CPU. Logits, probabilities and scores are averaged
/// alike, each on its own scale, unless probabilities are asked for.
torch::Tensor scores_of(const Prediction& prediction, int64_t rows, const InfererContext& context, bool probabilities) {
  const Output& output = prediction.outputs.primary();
  const torch::Tensor& classes = output.classes;
  const std::vector<int64_t> expected{rows, context.classes, context.patch[0], context.patch[1], context.patch[2]};
  if (!classes.defined() || classes.sizes() != expected) {
    throw Error(text("the decoder's output `classes` has shape [", classes.defined() ? join(classes.sizes()) : "",
                     "], expected [", join(expected), "] (batch, classes, patch)"));
  }
  const torch::Tensor scores = classes.detach().to(at::kCPU, at::kFloat);
  return probabilities && output.scale == Scale::Logits ? scores.softmax(1) : scores;
}

}  // namespace

void SlidingWindowOptions::bind(OptionBinder& o) {
  o.field("overlap", overlap, "Least share of a patch that neighbouring windows have in common along each axis",
          Range{0, 0.95});
  o.field("weights", weights,
          "How much a patch's voxels count: gaussian, less towards its border; uniform, all the same; centre, those of "
          "its middle slice only, where a slice is in the middle of some patch",
          OneOf{"gaussian", "uniform", "centre"});
  o.field("average", average, "What overlapping patches are averaged in: the decoder's own scores, or probabilities",
          OneOf{"scores", "probabilities"});
  o.field("unit_range", unit_range,
          "Scale every channel of a patch to 0..1, as training does with percentile_clip from 0 to 100 in `augment`");
  o.field("tta", tta, "Average over mirrored patches too (2, 4 or 8 times the work)", OneOf{"none", "mirror"});
  o.field("axes", axes, "Axes that tta mirrors; empty: those along which the dataset may be flipped",
          OneOf{"z", "y", "x"});
  o.field("batch", batch, "Windows per forward; null: as many as a training batch has", AtLeast{1});
}

void SlidingWindowOptions::check(OptionErrors& errors, const std::string& where) const {
  if (!axes.empty() && tta == "none")
    errors.add(where + ".axes", "has no meaning while tta is \"none\"; expected \"tta\": \"mirror\" beside it");
}

SlidingWindow::SlidingWindow(const Options& options, const InfererContext& context)
    : options_(options), context_(context), batch_(options.batch.value_or(context.batch)), flips_{{}} {
  if (options.tta == "none") return;
  const std::vector<std::string>& axes = options.axes.empty() ? context.dataset.flip_axes : options.axes;
  flips_ = mirror_subsets(axes, context.patch);
}

void SlidingWindow::run(const Case& one, const std::function<Prediction(Batch)>& forward, SlabSink& sink,
                        const std::function<void(int64_t done, int64_t total)>& tick) const {
  const WindowGrid grid(one.images.primary().size(), context_.patch, options_.overlap);
  const size_t count = grid.starts.size(), step = static_cast<size_t>(batch_);
  const auto forwards = static_cast<int64_t>((count + step - 1) / step * flips_.size());
  SlabAccumulator sums(grid, context_.classes, window_weights(context_.patch, options_.weights), sink);
  int64_t done = 0;
  for (size_t begin = 0; begin < count; begin += step) {
    const size_t end = std::min(begin + step, count);
    Batch batch = cut_windows(one, grid, begin, end);
    if (options_.unit_range) {
      for (auto& [stream, windows] : batch.images) windows = to_unit_range(windows);
    }
    torch::Tensor mean;  // [B, K, pz, py, px]
    for (const std::vector<int64_t>& flip : flips_) {
      torch::Tensor scores = scores_of(forward(mirrored(batch, flip)), static_cast<int64_t>(end - begin), context_,
                                       options_.average == "probabilities");
      if (!flip.empty()) scores = scores.flip(flip);
      mean = mean.defined() ? mean.add_(scores) : flips_.size() > 1 ? scores.clone() : scores;
      tick(++done, forwards);
    }
    if (flips_.size() > 1) mean.div_(static_cast<double>(flips_.size()));
    for (size_t i = begin; i < end; ++i) sums.add(mean[static_cast<int64_t>(i - begin)], grid.starts[i]);
  }
  sums.finish();
}

int64_t SlidingWindow::peak_bytes(const Case& one) const {
  const WindowGrid grid(one.images.primary().size(), context_.patch, options_.overlap);
  const int64_t patch = context_.patch[0] * context_.patch[1] * context_.patch[2];
  const int64_t open = context_.patch[0] * grid.padded[1] * grid.padded[2];  // voxels of a slab
  const int64_t slabs = open * (2 * context_.classes + 2);                   // sums, totals and the slab that leaves
  int64_t channels = 0;
  for (const auto& [stream, volume] : one.images) channels += volume.voxels.size(0);
  if (one.has_label()) channels += 2;  // int64
  // Cut windows and their stack, mirrored ones; scores, their mean and the mirrored scores.
  const int64_t rows = std::min<int64_t>(batch_, static_cast<int64_t>(grid.starts.size()));
  const int64_t copies = (flips_.size() > 1 ? 3 : 1) + (options_.average == "probabilities" ? 1 : 0);
  const int64_t windows = rows * patch * ((options_.unit_range ? 5 : 3) * channels + copies * context_.classes);
  return 4 * (slabs + windows + 2 * patch);
}

}  // namespace lamina
