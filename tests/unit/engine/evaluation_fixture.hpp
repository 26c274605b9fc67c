// What tests of evaluation share: two small metrics and small label maps.
#pragma once

#include "engine/evaluate/evaluation.hpp"

#include "temporary_folder.hpp"

#include <lamina/objective/class_regions.hpp>

#include <cmath>
#include <limits>

#include <torch/utils.h>

namespace lamina::engine::probe {

using lamina::testing::TemporaryFolder;

struct PlainOptions {
  void bind(OptionBinder&) {}
};

/// Dice.
class OverlapProbe : public Metric {
 public:
  using Options = PlainOptions;
  OverlapProbe(const Options&, const Context& context) : classes_(context.classes) {}
  std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const override {
    std::vector<Score> scores;
    for (const auto& region : class_regions(prediction, reference, classes_, scratch)) {
      const auto& counts = region.counts;
      scores.push_back(
          {region.class_id, 2.0 * counts.both / static_cast<double>(counts.predicted + counts.reference), counts});
    }
    return scores;
  }

 private:
  int64_t classes_;
};

struct GapOptions {
  double limit_mm = 1;
  std::string mode = "first";
  void bind(OptionBinder& o) {
    o.field("limit_mm", limit_mm, "A length", AtLeast{0});
    o.field("mode", mode, "A choice", OneOf{"first", "last"});
  }
};

/// A distance: the difference of the volumes, undefined where a mask is empty.
class GapProbe : public Metric {
 public:
  using Options = GapOptions;
  GapProbe(const Options&, const Context& context) : classes_(context.classes) {}
  std::string unit() const override { return "mm"; }
  bool higher_is_better() const override { return false; }
  double worst() const override { return std::numeric_limits<double>::quiet_NaN(); }
  std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const override {
    std::vector<Score> scores;
    for (const auto& region : class_regions(prediction, reference, classes_, scratch)) {
      const auto [predicted, truth] = std::pair{region.counts.predicted, region.counts.reference};
      const bool defined = predicted > 0 && truth > 0;
      scores.push_back({region.class_id, defined ? std::abs(predicted - truth) : worst(), region.counts});
    }
    return scores;
  }

 private:
  int64_t classes_;
};

inline const Registry& registry() {
  static const Registry filled = [] {
    Registrar registrar("probes", "memory");
    registrar.add<OverlapProbe>("metric", "dice", "1", "Dice");
    registrar.add<GapProbe>("metric", "gap", "1", "Difference of volumes");
    Registry made;
    made.add(registrar.take());
    return made;
  }();
  return filled;
}

inline DatasetInfo info() {
  DatasetInfo made;
  made.name = "probe";
  made.classes = {"background", "head", "tail"};
  return made;
}

inline Evaluator evaluator(const std::vector<std::string>& metrics, const std::string& policy = "nnunet") {
  std::vector<ConfigNode> entries;
  for (const auto& name : metrics) entries.push_back(ConfigNode::parse("\"" + name + "\""));
  return Evaluator(entries, policy, info(), registry());
}

/// Labels [1, 1, 1, n], 1 mm.
inline Volume volume(const std::vector<int64_t>& row) { return {torch::tensor(row).view({1, 1, 1, -1}), {}}; }

inline Case labelled(const std::string& id, const std::vector<int64_t>& row) {
  Case one;
  one.id = id;
  one.group = "patient " + id;
  one.labels = Streams<Volume>(volume(row));
  return one;
}

}  // namespace lamina::engine::probe
