// Expands the design for every fold and checks the defaults of the axes.
#include "engine/ablate/study_design.hpp"

#include "engine/experiment/path.hpp"
#include "engine/experiment/traced.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {
namespace {

/// What stands at a dotted path of a resolved experiment; null where nothing does.
ConfigNode value_at(const ConfigNode& resolved, const std::string& path) {
  const Traced root = Traced::from(resolved, "");
  const Traced* at = &root;
  for (const auto& step : parse_path(path)) {
    const auto entry = step.entry && at->is_list() ? entry_index(*at, step.key) : std::nullopt;
    if (!entry && !at->has(step.key)) return {};
    at = entry ? &at->items[*entry] : &at->members.at(step.key);
  }
  return at->node();
}

/// Axes and design become arms of the study.
class DesignedStudy {
 public:
  DesignedStudy(Study& study, const StudyOptions& options, const std::vector<Override>& shared,
                const Registry& registry)
      : study_(study), options_(options), shared_(shared), registry_(registry) {
    OptionErrors errors;
    axes_ = read_axes(options.axes, options.design.order, errors);
    constraints_ = read_constraints(options.constraints, axes_, errors);
    errors.throw_if_any("the study '" + study.name + "' is wrong");
  }

  void add_arms() {
    const SettingAt setting_at = [this](const std::vector<Override>& overrides, const std::string& path) {
      return value_at(resolved(overrides), path);
    };
    for (const auto& fold : study_.repeats()) {
      const DesignQuestion question{options_.design, axes_, constraints_, options_.baseline_name, fold};
      const ExpandedDesign found = expand_design(question, setting_at);
      for (const auto& arm : found.arms) add(arm, fold);
      for (const auto& dropped : found.dropped) add_dropped(dropped, fold);
    }
    check_standards();
  }

 private:
  ConfigNode resolved(const std::vector<Override>& overrides) const {
    Arm arm;
    arm.overrides = shared_;
    arm.overrides.insert(arm.overrides.end(), overrides.begin(), overrides.end());
    return study_.experiment(arm, study_.seeds.front(), registry_, study_.repeats().front()).resolved();
  }

  void add(const DesignArm& designed, const std::optional<int64_t>& fold) {
    const auto known =
        std::find_if(study_.arms.begin(), study_.arms.end(), [&](const Arm& arm) { return arm.name == designed.name; });
    if (known != study_.arms.end()) return known->folds.push_back(fold.value_or(0));
    Arm arm;
    arm.name = designed.name, arm.against = designed.against, arm.designed = true;
    arm.overrides = shared_;
    arm.overrides.insert(arm.overrides.end(), designed.overrides.begin(), designed.overrides.end());
    if (fold) arm.folds.push_back(*fold);
    study_.arms.push_back(std::move(arm));
    designs_.push_back(designed);
  }

  void add_dropped(DroppedArm dropped, const std::optional<int64_t>& fold) {
    if (fold) dropped.reason += text(" (fold ", *fold, ")");
    study_.dropped.push_back(std::move(dropped));
  }

  /// The level called default must be what stands there without it: in the baseline, or where `when` holds.
  void check_standards() const {
    std::vector<std::string> problems;
    const ConfigNode baseline = resolved({});
    for (const auto& axis : axes_) {
      const auto& standard = axis.levels[axis.standard];
      if (standard.overrides.empty()) continue;
      if (!axis.when) {
        check_standard(axis, {}, baseline, "the baseline", problems);
        continue;
      }
      for (const auto& arm : designs_) {
        const auto level = arm.levels.find(axis.name);
        if (level == arm.levels.end() || level->second != axis.standard) continue;
        check_standard(axis, arm.overrides, resolved(arm.overrides), "the arm '" + arm.name + "'", problems);
      }
    }
    if (!problems.empty()) {
      throw ConfigError(text("the study '", study_.name, "' is wrong:\n", join(problems, "\n")));
    }
  }

  void check_standard(const DesignAxis& axis, std::vector<Override> overrides, const ConfigNode& without,
                      const std::string& where, std::vector<std::string>& problems) const {
    const auto& standard = axis.levels[axis.standard];
    overrides.insert(overrides.end(), standard.overrides.begin(), standard.overrides.end());
    if (resolved(overrides) == without) return;
    for (const auto& one : standard.overrides) {
      const ConfigNode there = value_at(without, one.path);
      if (!one.erase && there == one.value) continue;
      problems.push_back(text("axes.", axis.name, ".default: ", standard.name, " is not what ", where,
                              " has: ", one.path, " is ", there.is_null() ? "not set" : there.dump(), " there"));
    }
  }

  Study& study_;
  const StudyOptions& options_;
  const std::vector<Override>& shared_;
  const Registry& registry_;
  std::vector<DesignAxis> axes_;
  std::vector<Condition> constraints_;
  std::vector<DesignArm> designs_;
};

}  // namespace

void add_designed_arms(Study& study, const StudyOptions& options, const std::vector<Override>& shared,
                       const Registry& registry) {
  DesignedStudy(study, options, shared, registry).add_arms();
}

}  // namespace lamina::engine
