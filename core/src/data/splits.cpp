// Train, val and test: as a paper has them, from a file, as nnU-Net draws them, or by group from a seed.
#include "data/split_presets.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/splits.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <regex>
#include <set>

namespace lamina {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFolds = 5;
constexpr uint32_t kNnunetSeed = 12345;
constexpr double kDefaultShare = 0.2;
constexpr size_t kNamesShown = 20;

// numpy's RandomState(seed).shuffle(arange(n)): from the top, bounded numbers by masked rejection.
std::vector<size_t> numpy_shuffle(size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = i;
  for (size_t i = count; i-- > 1;) {
    uint32_t mask = static_cast<uint32_t>(i);
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    uint32_t other = 0;
    do {
      other = static_cast<uint32_t>(generator()) & mask;
    } while (other > i);
    std::swap(order[i], order[other]);
  }
  return order;
}

fs::path find_file(const std::string& name, const std::vector<fs::path>& folders) {
  std::vector<std::string> tried;
  for (const auto& folder : folders) {
    const fs::path file = folder / name;  // an absolute name replaces the folder
    if (fs::is_regular_file(file)) return file;
    tried.push_back(file.string());
  }
  throw ConfigError(text("split file '", name, "' was not found; looked for ", join(tried)));
}

std::vector<std::string> names_in(const ConfigNode& entry, const std::string& part) {
  std::vector<std::string> names;
  if (!entry.contains(part)) return names;
  const ConfigNode list = entry.at(part);
  for (size_t i = 0; i < list.size(); ++i) names.push_back(list.at(i).as_text());
  std::sort(names.begin(), names.end());
  return names;
}

void check_plan(const SplitPlan& plan, const std::vector<CaseName>& cases, const fs::path& file) {
  std::set<std::string> known;
  for (const auto& one : cases) known.insert(one.id);
  std::vector<std::string> missing, doubled;
  for (const auto split : {Split::Train, Split::Val, Split::Test}) {
    std::set<std::string> seen;
    for (const auto& id : plan.of(split)) {
      const bool learned = split != Split::Train && std::binary_search(plan.train.begin(), plan.train.end(), id);
      if (!known.contains(id)) missing.push_back(id);
      if (!seen.insert(id).second || learned) doubled.push_back(id);
    }
  }
  if (!missing.empty()) {
    throw DataError(text(file.string(), ": names ", missing.size(), missing.size() == 1 ? " case" : " cases",
                         " that the dataset lacks: ", join_first(missing, kNamesShown)));
  }
  if (!doubled.empty()) {
    throw DataError(text(file.string(), ": these cases are named twice in one part, or in train and in val or test: ",
                         join_first(doubled, kNamesShown)));
  }
}

SplitPlan plan_from_file(const SplitOptions& options, const std::vector<CaseName>& cases, const SplitPlaces& places) {
  const fs::path file = find_file(options.file, {places.experiment, places.dataset, fs::current_path()});
  const ConfigNode root = ConfigNode::parse(read_file(file), file.string());
  if (root.is_array() && (options.fold < 0 || options.fold >= static_cast<int64_t>(root.size()))) {
    throw ConfigError(text("split.fold ", options.fold, " is not in ", file.string(), "; it has folds 0 to ",
                           static_cast<int64_t>(root.size()) - 1));
  }
  const ConfigNode entry = root.is_array() ? root.at(static_cast<size_t>(options.fold)) : root;
  if (!entry.is_object() || !entry.contains("train") || !entry.contains("val")) {
    throw DataError(
        text(file.string(), ": expected a list of objects with the lists 'train', 'val' and perhaps 'test'"));
  }
  SplitPlan plan{names_in(entry, "train"), names_in(entry, "val"), names_in(entry, "test")};
  check_plan(plan, cases, file);
  return plan;
}

size_t groups_wanted(double share, size_t groups) {
  if (share <= 0) return 0;
  if (share >= 1) return static_cast<size_t>(std::llround(share));
  return std::max<size_t>(1, static_cast<size_t>(std::llround(share * static_cast<double>(groups))));
}

using Groups = std::map<std::string, std::vector<std::string>>;

Groups by_group(const std::vector<CaseName>& cases) {
  Groups groups;
  for (const auto& one : cases) groups[one.group].push_back(one.id);
  return groups;
}

std::vector<std::string> shuffled_groups(const Groups& groups, int64_t seed) {
  std::vector<std::string> names;
  for (const auto& [name, ids] : groups) names.push_back(name);
  Random random(static_cast<uint64_t>(seed), {hash_name("split")});
  for (size_t i = names.size(); i-- > 1;)
    std::swap(names[i], names[static_cast<size_t>(random.integer(0, static_cast<int64_t>(i)))]);
  return names;
}

void take(std::vector<std::string>& into, const Groups& groups, std::vector<std::string>& names, size_t count) {
  for (; count > 0 && !names.empty(); --count) {
    const auto& ids = groups.at(names.back());
    into.insert(into.end(), ids.begin(), ids.end());
    names.pop_back();
  }
  std::sort(into.begin(), into.end());
}

/// Validation of the usual share of the training groups, where the paper has none of its own.
SplitPlan plan_from_preset(const SplitOptions& options, const std::vector<CaseName>& cases, const SplitPlaces& places) {
  const SplitPreset& preset = split_preset(*options.preset);
  SplitPlan plan = released_parts(preset, cases, options.fold, places.dataset);
  if (!preset.draws_val(options.compat)) return plan;
  std::vector<CaseName> training;
  for (const auto& one : cases) {
    if (std::binary_search(plan.train.begin(), plan.train.end(), one.id)) training.push_back(one);
  }
  const Groups groups = by_group(training);
  std::vector<std::string> names = shuffled_groups(groups, options.seed);
  plan.train.clear(), plan.val.clear();
  take(plan.val, groups, names, groups_wanted(options.val.value_or(kDefaultShare), names.size()));
  take(plan.train, groups, names, names.size());
  return plan;
}

SplitPlan drawn_plan(const SplitOptions& options, const std::vector<CaseName>& cases) {
  const Groups groups = by_group(cases);
  std::vector<std::string> names = shuffled_groups(groups, options.seed);
  const size_t total = names.size();
  SplitPlan plan;
  // The test part is drawn first: how val and train are cut later never moves a case out of it.
  take(plan.test, groups, names,
       groups_wanted(options.test.value_or(options.nnunet_fold ? 0.0 : kDefaultShare), total));
  if (options.nnunet_fold) {
    std::vector<std::string> rest;
    take(rest, groups, names, names.size());
    plan.val = nnunet_validation_fold(rest, *options.nnunet_fold);
    std::set_difference(rest.begin(), rest.end(), plan.val.begin(), plan.val.end(), std::back_inserter(plan.train));
  } else {
    take(plan.val, groups, names, groups_wanted(options.val.value_or(kDefaultShare), total));
    take(plan.train, groups, names, names.size());
  }
  return plan;
}

void require_training(const SplitPlan& plan, const std::vector<CaseName>& cases) {
  if (!plan.train.empty()) return;
  throw ConfigError(text("the split leaves no case for training: of ", cases.size(),
                         cases.size() == 1 ? " case, " : " cases, ", plan.val.size(), " are in val and ",
                         plan.test.size(), " in test; lower split.val or split.test"));
}

void check_preset(const SplitOptions& options, OptionErrors& errors, const std::string& where) {
  const SplitPreset& preset = split_preset(*options.preset);
  if (!options.file.empty() || options.nnunet_fold || options.test) {
    errors.add(where, "with 'preset' the parts are the paper's: leave out file, nnunet_fold and test");
  }
  if (options.val && !preset.draws_val(options.compat)) {
    errors.add(where + ".val", text("the preset ", preset.name, options.compat == "release" ? ", as released," : "",
                                    " says what validation is: leave out val"));
  }
  if (options.fold != 0 && preset.folds_below == 0)
    errors.add(where + ".fold", text("the preset ", preset.name, " has no folds"));
}

}  // namespace

void SplitOptions::bind(OptionBinder& o) {
  OneOf presets{};
  presets.choices = split_preset_names();
  o.field("preset", preset, "A paper's split: its train and test, and its val or one drawn from its train", presets);
  o.field("compat", compat,
          "release: val as released, even where it is the test; repaired: drawn from train where the paper has no val "
          "of its own",
          OneOf{"repaired", "release"});
  o.field("file", file,
          "JSON list of {train, val[, test]} (splits_final.json); beside the experiment or in the dataset's folder");
  o.field("fold", fold, "Entry of that list, or fold of the preset where it has folds", AtLeast{0});
  o.field("nnunet_fold", nnunet_fold, "Fold of nnU-Net's own five, equal to what it draws when split.test is 0",
          Range{0, 4});
  o.field("val", val, "Groups for validation: a share below 1 or a number; 0.2 by default", AtLeast{0});
  o.field("test", test,
          "Groups for the test, drawn first: a share below 1 or a number; 0.2 by default, 0 with nnunet_fold",
          AtLeast{0});
  o.field("seed", seed, "Of the draw", AtLeast{0});
  labels.bind(o);
}

void SplitOptions::check(OptionErrors& errors, const std::string& where) const {
  if (preset) check_preset(*this, errors, where);
  if (!preset && compat == "release") errors.add(where + ".compat", "says how a preset was released: name a preset");
  if (!preset && !file.empty() && (nnunet_fold || val || test)) {
    errors.add(where, "with 'file' the parts come from the file: leave out nnunet_fold, val and test");
  }
  if (nnunet_fold && val) errors.add(where, "nnunet_fold says what validation is: leave out val");
  labels.check(errors, where);
}

SplitPlan make_splits(const SplitOptions& options, std::vector<CaseName> cases, const SplitPlaces& places) {
  std::sort(cases.begin(), cases.end(), [](const CaseName& a, const CaseName& b) { return a.id < b.id; });
  SplitPlan plan = options.preset         ? plan_from_preset(options, cases, places)
                   : options.file.empty() ? drawn_plan(options, cases)
                                          : plan_from_file(options, cases, places);
  if (options.file.empty()) require_training(plan, cases);
  apply_budget(plan, options.labels, cases);
  return plan;
}

Case SplitPlan::as_budgeted(Case one) const {
  return std::binary_search(train.begin(), train.end(), one.id) ? within_budget(labels, std::move(one)) : one;
}

void apply_budget(SplitPlan& plan, const LabelBudget& budget, const std::vector<CaseName>& cases) {
  std::vector<CaseName> train;
  for (const auto& one : cases) {
    if (std::binary_search(plan.train.begin(), plan.train.end(), one.id)) train.push_back(one);
  }
  plan.labels = budget;
  plan.train = within_budget(budget, train);
  std::sort(plan.train.begin(), plan.train.end());
}

std::vector<std::string> nnunet_validation_fold(std::vector<std::string> ids, int64_t fold) {
  std::sort(ids.begin(), ids.end());
  const size_t count = ids.size(), folds = kFolds, wanted = static_cast<size_t>(fold);
  if (fold < 0 || wanted >= folds || count < folds) {
    throw ConfigError(text("nnunet_fold ", fold, " of ", count, " cases: expected 0 to 4 and at least 5 cases"));
  }
  const auto order = numpy_shuffle(count, kNnunetSeed);
  const size_t begin = wanted * (count / folds) + std::min(wanted, count % folds);
  const size_t size = count / folds + (wanted < count % folds ? 1 : 0);
  std::vector<std::string> chosen;
  for (size_t i = begin; i < begin + size; ++i) chosen.push_back(ids[order[i]]);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::string group_of(const std::string& id, const std::string& pattern) {
  if (pattern.empty() || pattern == "case") return id;
  try {
    std::smatch match;
    if (std::regex_search(id, match, std::regex(pattern))) return match.size() > 1 ? match.str(1) : match.str(0);
  } catch (const std::regex_error& problem) {
    throw ConfigError(text("group '", pattern, "' is no regular expression: ", problem.what()));
  }
  throw ConfigError(text("group '", pattern, "' does not match the case '", id, "'; every case needs a group"));
}

fs::path find_data_folder(const std::string& root, const fs::path& experiment) {
  std::vector<fs::path> tried{experiment / root, fs::current_path() / root};
  for (const char* variable : {"nnUNet_raw", "LAMINA_DATA"}) {
    if (const char* value = std::getenv(variable)) tried.push_back(fs::path(value) / root);
  }
  for (const auto& folder : tried) {
    if (fs::is_directory(folder)) return folder.lexically_normal();
  }
  std::vector<std::string> names;
  for (const auto& folder : tried) names.push_back(folder.lexically_normal().string());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  throw ConfigError(text("dataset root '", root, "' was not found; looked for ", join(names),
                         " (also looked up in $nnUNet_raw and $LAMINA_DATA when set)"));
}

}  // namespace lamina
