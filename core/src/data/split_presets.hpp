// The splits of papers, by name.
#pragma once

#include <lamina/data/splits.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lamina {

/// Cases are known by a number in their names, so "img0001", "case0001" and "ABD_001" are the same one.
struct SplitPreset {
  std::string name;
  std::string prefix;          ///< how messages call a case: "case0001"
  size_t digits = 4;           ///< of that number
  bool by_patient = false;     ///< the first number of a name is a patient's, of several cases; else the last a case's
  std::vector<int64_t> train;  ///< empty: every case that is not for the test
  std::vector<int64_t> val, test;  ///< val empty: the paper names none
  bool val_is_test = false;        ///< in the released code
  int64_t folds_below = 0;         ///< the cases with smaller numbers are cut into nnU-Net's five folds
  size_t folds_of = 0;             ///< how many of them there are

  /// Validation is for lamina to draw from the training cases.
  bool draws_val(const std::string& compat) const { return compat != "release" && val.empty() && folds_below == 0; }
};

std::vector<std::string> split_preset_names();
/// One of these names.
const SplitPreset& split_preset(const std::string& name);

/// The parts as they were released, each sorted; `fold` where the preset has folds. DataError naming every case that
/// `cases` lacks, and `folder`.
SplitPlan released_parts(const SplitPreset& preset, const std::vector<CaseName>& cases, int64_t fold,
                         const std::filesystem::path& folder);

}  // namespace lamina
