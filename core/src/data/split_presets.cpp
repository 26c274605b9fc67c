// The lists, and how the cases of a folder are matched with them.
#include "data/split_presets.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace lamina {
namespace {

using Numbers = std::vector<int64_t>;

/// first .. last, without some of them.
Numbers range(int64_t first, int64_t last, const Numbers& without = {}) {
  Numbers numbers;
  for (int64_t i = first; i <= last; ++i) {
    if (std::find(without.begin(), without.end(), i) == without.end()) numbers.push_back(i);
  }
  return numbers;
}

Numbers operator+(Numbers left, const Numbers& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

SplitPreset prostate_site(const std::string& site, Numbers test) {
  return {"prostate_masam_" + site, "Case", 2, false, {}, {}, std::move(test)};
}

// BTCV's 30 public cases are 0001 to 0010 and 0021 to 0040.
std::vector<SplitPreset> make_presets() {
  const Numbers synapse{1, 2, 3, 4, 8, 22, 25, 29, 32, 35, 36, 38};
  const Numbers acdc{2, 3, 8, 9, 12, 14, 17, 24, 42, 48, 49, 53, 55, 64, 67, 79, 81, 88, 92, 95};
  const Numbers first_sites{3, 8, 12, 15, 18, 26};
  return {
      // TransUNet's; nnFormer's and MaskSAM's code validates on the test.
      {"synapse_18_12", "case", 4, false, range(1, 10, synapse) + range(21, 40, synapse), {}, synapse, true},
      {"btcv_24_6_masam", "case", 4, false, range(1, 10) + range(21, 34), {}, range(35, 40)},
      // nnFormer's, and MaskSAM's.
      {"acdc_70_10_20", "patient", 3, true, range(1, 87, acdc), {89, 90, 91, 93, 94, 96, 97, 98, 99, 100}, acdc},
      {"amos_ct_masksam", "amos_", 4, false, {}, {}, {}, false, 500, 200},
      prostate_site("a", first_sites),
      prostate_site("b", first_sites),
      prostate_site("c", {3, 8, 13, 15}),
      prostate_site("d", {1, 32, 34}),
      prostate_site("e", {0, 4, 9}),
      prostate_site("f", {38, 41, 46}),
  };
}

const std::vector<SplitPreset>& presets() {
  static const std::vector<SplitPreset> all = make_presets();
  return all;
}

constexpr const char* kDigits = "0123456789";
constexpr size_t kLongestNumber = 9;

std::optional<int64_t> number_of(const std::string& name, bool first) {
  const size_t found = first ? name.find_first_of(kDigits) : name.find_last_of(kDigits);
  if (found == std::string::npos) return std::nullopt;
  const size_t before = first ? found : name.find_last_not_of(kDigits, found);
  const size_t begin = first ? found : (before == std::string::npos ? 0 : before + 1);
  const size_t end = std::min(name.find_first_not_of(kDigits, begin), name.size());
  if (end - begin > kLongestNumber) return std::nullopt;  // a date or an identifier
  return std::stoll(name.substr(begin, end - begin));
}

/// The folder's cases by the number that the preset knows them by.
class NumberedCases {
 public:
  NumberedCases(const SplitPreset& preset, const std::vector<CaseName>& cases, const std::filesystem::path& folder)
      : preset_(preset), folder_(folder) {
    for (const auto& one : cases) {
      if (const auto number = number_of(one.id, preset.by_patient)) ids_[*number].push_back(one.id);
    }
  }

  /// Their names, sorted; what is not there is remembered for require_all().
  std::vector<std::string> take(const Numbers& numbers) {
    std::vector<std::string> names;
    for (const int64_t number : numbers) {
      asked_.insert(number);
      const auto found = ids_.find(number);
      if (found == ids_.end()) {
        missing_.insert(number);
      } else {
        add(names, number, found->second);
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  /// All that take() was not asked for, as far as their numbers are smaller than `below` (0: all).
  std::vector<std::string> rest(int64_t below = 0) const {
    std::vector<std::string> names;
    for (const auto& [number, ids] : ids_) {
      if (!asked_.contains(number) && (below == 0 || number < below)) add(names, number, ids);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void require_all() const {
    if (missing_.empty()) return;
    std::vector<std::string> names;
    for (const int64_t number : missing_) names.push_back(called(number));
    throw DataError(text("split preset '", preset_.name, "': ", folder_.string(), " lacks ", missing_.size(),
                         " of its ", asked_.size(), preset_.by_patient ? " patients: " : " cases: ", join(names), "; ",
                         rule()));
  }

  std::string rule() const {
    if (preset_.by_patient) return "a patient is known by the first number in a case's name";
    return "a case is known by the last number in its name, so img0021, case0021 and ABD_021 are one";
  }

 private:
  std::string called(int64_t number) const {
    std::string digits = std::to_string(number);
    digits.insert(0, preset_.digits - std::min(preset_.digits, digits.size()), '0');
    return preset_.prefix + digits;
  }

  /// Only a patient has several cases.
  void add(std::vector<std::string>& names, int64_t number, const std::vector<std::string>& ids) const {
    names.insert(names.end(), ids.begin(), ids.end());
    if (preset_.by_patient || ids.size() == 1) return;
    throw DataError(text("split preset '", preset_.name, "': in ", folder_.string(), " the cases ", join(ids, " and "),
                         " have the same number ", number, "; ", rule()));
  }

  const SplitPreset& preset_;
  const std::filesystem::path& folder_;
  std::map<int64_t, std::vector<std::string>> ids_;
  std::set<int64_t> asked_;
  std::set<int64_t> missing_;
};

SplitPlan folded_parts(const SplitPreset& preset, const NumberedCases& cases, int64_t fold,
                       const std::filesystem::path& folder) {
  const auto all = cases.rest(preset.folds_below);
  if (all.size() != preset.folds_of) {
    throw DataError(text("split preset '", preset.name, "' cuts ", preset.folds_of, " cases numbered below ",
                         preset.folds_below, " into five folds; ", folder.string(), " has ", all.size(),
                         " such cases; with nnunet_fold any number of cases is cut; ", cases.rule()));
  }
  SplitPlan plan;
  plan.val = nnunet_validation_fold(all, fold);
  std::set_difference(all.begin(), all.end(), plan.val.begin(), plan.val.end(), std::back_inserter(plan.train));
  return plan;
}

}  // namespace

std::vector<std::string> split_preset_names() {
  std::vector<std::string> names;
  for (const auto& preset : presets()) names.push_back(preset.name);
  return names;
}

const SplitPreset& split_preset(const std::string& name) {
  for (const auto& preset : presets()) {
    if (preset.name == name) return preset;
  }
  const auto names = split_preset_names();
  throw ConfigError(
      text("split preset '", name, "' is not known", did_you_mean(name, names), "; there are: ", join(names)));
}

SplitPlan released_parts(const SplitPreset& preset, const std::vector<CaseName>& cases, int64_t fold,
                         const std::filesystem::path& folder) {
  NumberedCases numbered(preset, cases, folder);
  if (preset.folds_below > 0) return folded_parts(preset, numbered, fold, folder);
  SplitPlan plan;
  plan.test = numbered.take(preset.test);
  plan.val = preset.val_is_test ? plan.test : numbered.take(preset.val);
  plan.train = preset.train.empty() ? numbered.rest() : numbered.take(preset.train);
  numbered.require_all();
  return plan;
}

}  // namespace lamina
