// How the cases of a dataset become train, val and test. Shared by the datasets that read files.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/dataset.hpp>
#include <lamina/data/label_budget.hpp>
#include <lamina/options/binder.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// Four ways: the split of a paper by its name, a file, nnU-Net's five folds, or shares drawn from a seed. Shares go by
/// group, so that no patient is in two of them. A label budget then leaves a part of the training cases.
struct SplitOptions {
  std::optional<std::string> preset;   ///< name of a paper's split
  std::string compat = "repaired";     ///< of the preset
  std::string file;                    ///< JSON: a list of {"train", "val"[, "test"]}, as nnU-Net's splits_final.json
  int64_t fold = 0;                    ///< entry of that list
  std::optional<int64_t> nnunet_fold;  ///< 0..4
  std::optional<double> val, test;     ///< share of the groups below 1, number of groups from 1
  int64_t seed = 12345;
  LabelBudget labels;  ///< its options stand beside the others
  LAMINA_API void bind(OptionBinder& o);
  LAMINA_API void check(OptionErrors& errors, const std::string& where) const;
};

struct SplitPlan {
  std::vector<std::string> train, val, test;  ///< each sorted; train as the label budget leaves it
  LabelBudget labels;
  const std::vector<std::string>& of(Split split) const {
    return split == Split::Train ? train : split == Split::Val ? val : test;
  }
  /// What a dataset loads: a training case as the label budget leaves it, any other as it is.
  LAMINA_API Case as_budgeted(Case one) const;
};

/// Keeps what the budget allows of plan.train. `cases`: names the groups.
LAMINA_API void apply_budget(SplitPlan& plan, const LabelBudget& budget, const std::vector<CaseName>& cases);

/// A split file is looked up beside the experiment, in the dataset's folder and in the current one.
struct SplitPlaces {
  std::filesystem::path dataset, experiment;
};

/// DataError lists cases that the preset or the file names but `cases` lacks, and training cases that are in another
/// part too. Validation and test may share cases: that is how some splits were released, and for the engine to say.
LAMINA_API SplitPlan make_splits(const SplitOptions& options, std::vector<CaseName> cases, const SplitPlaces& places);
/// The validation cases of fold 0..4 as nnU-Net draws them (KFold(5, shuffle=True, random_state=12345) over sorted
/// ids).
LAMINA_API std::vector<std::string> nnunet_validation_fold(std::vector<std::string> ids, int64_t fold);

/// The group of a case: its id for "case", else what the regular expression's first parenthesis (or all of it) matches.
LAMINA_API std::string group_of(const std::string& id, const std::string& pattern);

/// `root` where it exists: as it stands when absolute, else beside `experiment`, in the current folder, in $nnUNet_raw,
/// in $LAMINA_DATA. ConfigError lists where it was looked for.
LAMINA_API std::filesystem::path find_data_folder(const std::string& root, const std::filesystem::path& experiment);

}  // namespace lamina
