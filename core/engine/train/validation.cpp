// Whole-volume validation.
#include "engine/train/validation.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <cmath>
#include <limits>

namespace lamina::engine {
namespace {

struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double value) {
    if (std::isnan(value)) return;
    sum += value;
    ++count;
  }
  std::optional<double> value() const {
    if (count == 0) return std::nullopt;
    return sum / static_cast<double>(count);
  }
};

torch::Tensor counts(const torch::Tensor& labels, int64_t classes) {
  return torch::bincount(labels.flatten().to(torch::kInt64), {}, classes);
}

}  // namespace

std::vector<double> case_dice(const torch::Tensor& prediction, const torch::Tensor& reference, int64_t classes,
                              std::optional<int64_t> ignore) {
  const torch::Tensor truth = reference.to(torch::kInt64).flatten();
  const torch::Tensor counted = (truth >= 0) & (truth < classes) & (truth != ignore.value_or(-1));
  const torch::Tensor expected = truth.masked_select(counted);
  const torch::Tensor found = prediction.to(torch::kInt64).flatten().masked_select(counted);
  const torch::Tensor both = counts(expected.masked_select(expected == found), classes);
  const torch::Tensor sizes = counts(expected, classes) + counts(found, classes);
  std::vector<double> dice;
  for (int64_t label = 1; label < classes; ++label) {
    const auto size = sizes[label].item<int64_t>();
    const auto overlap = static_cast<double>(both[label].item<int64_t>());
    dice.push_back(size == 0 ? std::numeric_limits<double>::quiet_NaN() : 2 * overlap / static_cast<double>(size));
  }
  return dice;
}

std::optional<ValidationScore> validate(const Predictor& predictor, const PreparedDataset& data,
                                        const std::vector<std::string>& ids) {
  const auto& names = predictor.dataset().classes;
  const auto classes = std::ssize(names);
  Progress progress("validating", std::ssize(ids), "cases");
  progress.update(0);
  Mean cases;
  std::vector<Mean> by_class(static_cast<size_t>(classes));
  int64_t done = 0;
  for (const auto& id : ids) {
    if (interrupt_requested()) return std::nullopt;
    const Case reference = data.load(id).content;
    if (!reference.has_label()) continue;
    Case blind = reference;
    if (!predictor.uses_ground_truth()) blind.labels = {};
    const torch::Tensor labels = predictor.predict_prepared(blind).voxels;
    const auto dice = case_dice(labels, reference.labels.primary().voxels, classes, reference.ignore);
    Mean mean;
    for (size_t i = 0; i < dice.size(); ++i) mean.add(dice[i]), by_class[i + 1].add(dice[i]);
    if (mean.value()) cases.add(*mean.value());
    progress.update(++done);
  }
  ValidationScore score;
  score.dice = cases.value();
  for (size_t i = 1; i < by_class.size(); ++i) {
    if (by_class[i].value()) score.classes[names[i]] = *by_class[i].value();
  }
  return score;
}

}  // namespace lamina::engine
