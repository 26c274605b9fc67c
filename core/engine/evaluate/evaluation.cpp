// Scores one case: checks the grids, measures, applies the policy for empty masks.
#include "engine/evaluate/evaluation.hpp"

#include "engine/evaluate/metric_name.hpp"
#include "engine/evaluate/policy.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

constexpr double kAllowedDisplacement = 0.1;  // voxels

std::string grid_text(const Volume& volume) {
  const Geometry& geometry = volume.geometry;
  return text("size ", join(volume.size(), " x "), ", spacing ", join(geometry.spacing, " x "),
              " mm (z, y, x), origin (", join(geometry.origin), "), direction (", join(geometry.direction), ")");
}

void check_grids(const std::string& id, const Volume& prediction, const Volume& reference) {
  const bool same_size = prediction.voxels.sizes() == reference.voxels.sizes();
  const double away = same_size ? corner_displacement(reference.geometry, prediction.geometry, reference.size()) : 0;
  if (same_size && away <= kAllowedDisplacement) return;
  const std::string fact =
      same_size ? text("their corners lie up to ", away, " voxels apart, ", kAllowedDisplacement, " are allowed")
                : std::string("their sizes differ");
  throw DataError(text("case '", id, "': prediction and reference lie on different grids: ", fact,
                       "\n  prediction: ", grid_text(prediction), "\n  reference:  ", grid_text(reference),
                       "\nresample the prediction onto the reference's grid (nearest neighbour) and score again"));
}

void check_unique(const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) == name) continue;
    throw ConfigError(text("evaluate.metrics: two metrics are called '", *name, "'; give one of them an \"id\""));
  }
}

}  // namespace

Evaluator::Evaluator(const std::vector<ConfigNode>& entries, const std::string& policy, const DatasetInfo& info,
                     const Registry& registry)
    : empty(policy), dataset(info) {
  const auto& policies = empty_policies();
  if (std::find(policies.begin(), policies.end(), policy) == policies.end()) {
    throw ConfigError(text("evaluate.empty: unknown policy '", policy, "'", did_you_mean(policy, policies),
                           "; known: ", join(policies)));
  }
  if (entries.empty())
    throw ConfigError("evaluate.metrics: the list is empty; name at least one metric, such as \"dice\"");
  const MetricContext context{static_cast<int64_t>(info.classes.size())};
  for (size_t i = 0; i < entries.size(); ++i) {
    const ConfigNode entry = as_entry(entries[i]);
    metrics.push_back(registry.create<Metric>(entry, text("evaluate.metrics[", i, "]"), context));
    types.push_back(entry.at("type").as_text());
    names.push_back(metric_name(entry, registry));
  }
  check_unique(names);
}

std::vector<MetricRow> Evaluator::score(const Volume& prediction, const Case& reference) const {
  if (!reference.has_label())
    throw DataError(text("case '", reference.id, "' has no reference labels to score against"));
  const Volume& truth = reference.labels.primary();
  check_grids(reference.id, prediction, truth);
  std::vector<MetricRow> rows;
  Scratch scratch;
  for (size_t i = 0; i < metrics.size(); ++i) {
    const double worst = metrics[i]->worst();
    const PolicyCase about{types[i], metrics[i]->higher_is_better(), std::isnan(worst) ? diagonal(truth) : worst,
                           metrics[i]->defined_on_empty()};
    for (const auto& score : metrics[i]->measure(prediction, reference, scratch)) {
      const std::string flag = flag_of(score.counts);
      const auto& class_name = dataset.classes.at(static_cast<size_t>(score.class_id));
      rows.push_back({reference.id, reference.group, names[i], score.class_id, class_name,
                      with_policy(empty, score.value, flag, about), score.counts, flag});
    }
  }
  return rows;
}

}  // namespace lamina::engine
