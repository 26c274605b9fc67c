// Keeps the largest connected component, where that helps on validation cases.
#include "largest_component.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// Mean Dice over cases where the class occurs; a class that occurs nowhere is undefined.
class MeanDice {
 public:
  void add(const torch::Tensor& predicted, const torch::Tensor& reference) {
    const auto sum = predicted.sum().item<int64_t>() + reference.sum().item<int64_t>();
    if (sum == 0) return;
    total_ +=
        2.0 * static_cast<double>(predicted.logical_and(reference).sum().item<int64_t>()) / static_cast<double>(sum);
    ++cases_;
  }
  double value() const { return cases_ == 0 ? NAN : total_ / static_cast<double>(cases_); }

 private:
  double total_ = 0;
  int64_t cases_ = 0;
};

/// Of one class: as predicted, its own largest component, the foreground's, and both after each other.
struct ClassScores {
  MeanDice plain, alone, foreground, both;
};

double mean_defined(const std::vector<double>& values) {
  double total = 0;
  int64_t count = 0;
  for (const double value : values) {
    if (!std::isnan(value)) total += value, ++count;
  }
  return count == 0 ? NAN : total / static_cast<double>(count);
}

/// nnU-Net's rule: the mean over classes rises and no class falls.
bool foreground_helps(const std::vector<ClassScores>& scores) {
  std::vector<double> before, after;
  for (const auto& score : scores) {
    before.push_back(score.plain.value());
    after.push_back(score.foreground.value());
    if (after.back() < before.back()) return false;
  }
  return mean_defined(after) > mean_defined(before);
}

}  // namespace

void LargestComponentOptions::bind(OptionBinder& o) {
  o.field("select", select, "validation: only where the mean Dice over validation cases rises; always: without a test",
          OneOf{"validation", "always"});
  o.field(
      "scope", scope,
      "class: each class keeps its largest component; foreground: the classes together keep theirs; both: foreground, "
      "then class",
      OneOf{"class", "foreground", "both"});
  o.field("connectivity", connectivity, "voxels that touch: full, also at edges and corners; faces, only across faces",
          OneOf{"full", "faces"});
  o.field("classes", classes, "class numbers; empty: every foreground class", AtLeast{1});
}

LargestComponent::LargestComponent(const Options& options, const PostprocessContext& context)
    : options_(options),
      class_count_(context.classes),
      connectivity_(options.connectivity == "full" ? Connectivity::Full : Connectivity::Faces),
      classes_(options.classes) {
  for (const int64_t class_id : classes_) {
    if (class_id >= class_count_) {
      throw ConfigError(
          text("largest_component: classes: got ", class_id, ", expected class numbers from 1 to ", class_count_ - 1));
    }
  }
  if (classes_.empty()) {
    for (int64_t class_id = 1; class_id < class_count_; ++class_id) classes_.push_back(class_id);
  }
  if (options_.select == "validation") return;  // nothing is on before fit() or restore()
  foreground_on_ = options_.scope != "class";
  if (options_.scope != "foreground") classes_on_ = classes_;
}

torch::Tensor LargestComponent::among(const torch::Tensor& labels) const {
  auto mask = at::zeros_like(labels, at::kBool);
  for (const int64_t class_id : classes_) mask.logical_or_(labels.eq(class_id));
  return mask;
}

torch::Tensor LargestComponent::keep_foreground(const torch::Tensor& labels) const {
  return labels.masked_fill(outside_largest(among(labels), connectivity_), 0);
}

torch::Tensor LargestComponent::keep_class(const torch::Tensor& labels, int64_t class_id) const {
  return labels.masked_fill(outside_largest(labels.eq(class_id), connectivity_), 0);
}

TensorDict LargestComponent::fit(const Outcomes& validation) {
  if (options_.select == "always") return {};
  std::vector<ClassScores> scores(classes_.size());
  for (const auto& id : validation.ids) {
    auto predicted = validation.prediction(id).voxels[0];
    const Case one = validation.reference(id);
    if (!one.has_label())
      throw DataError(text("case ", id, " has no label; largest_component selects on labelled cases"));
    const auto& reference = one.labels.primary().voxels[0];
    const auto counted = one.ignore ? reference.ne(*one.ignore) : at::ones_like(reference, at::kBool);
    const auto united = keep_foreground(predicted);
    for (size_t i = 0; i < classes_.size(); ++i) {
      const int64_t class_id = classes_[i];
      const auto truth = reference.eq(class_id);
      const auto mask = [&](const torch::Tensor& labels) { return labels.eq(class_id).logical_and_(counted); };
      scores[i].plain.add(mask(predicted), truth);
      scores[i].alone.add(mask(keep_class(predicted, class_id)), truth);
      scores[i].foreground.add(mask(united), truth);
      scores[i].both.add(mask(keep_class(united, class_id)), truth);
    }
  }
  const bool foreground = options_.scope != "class" && foreground_helps(scores);
  auto chosen = at::zeros({class_count_}, at::kBool);
  for (size_t i = 0; i < classes_.size() && options_.scope != "foreground"; ++i) {
    const auto& score = scores[i];
    const bool helps =
        foreground ? score.both.value() > score.foreground.value() : score.alone.value() > score.plain.value();
    if (helps) chosen[classes_[i]] = true;
  }
  TensorDict state{{"classes", chosen}, {"foreground", at::full({1}, foreground, at::kBool)}};
  restore(state);
  return state;
}

void LargestComponent::restore(const TensorDict& state) {
  if (options_.select == "always") return;
  const auto classes = state.find("classes"), foreground = state.find("foreground");
  if (classes == state.end() || foreground == state.end() || classes->second.numel() != class_count_) {
    throw Error(text("the stored state of largest_component lacks 'foreground' and 'classes' (", class_count_,
                     " values); fit it on validation cases again"));
  }
  foreground_on_ = foreground->second.item<bool>();
  classes_on_.clear();
  for (const int64_t class_id : classes_) {
    if (classes->second[class_id].item<bool>()) classes_on_.push_back(class_id);
  }
}

Volume LargestComponent::apply(Volume labels) const {
  std::vector<torch::Tensor> channels;
  for (auto voxels : labels.voxels.unbind(0)) {
    if (foreground_on_) voxels = keep_foreground(voxels);
    for (const int64_t class_id : classes_on_) voxels = keep_class(voxels, class_id);
    channels.push_back(voxels);
  }
  labels.voxels = at::stack(channels);
  return labels;
}

}  // namespace lamina
