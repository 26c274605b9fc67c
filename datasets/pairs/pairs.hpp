// Images and labels by list (CSV) or by name (two folders).
#pragma once

#include <lamina/data/splits.hpp>
#include <lamina/io/case_files.hpp>

#include <map>
#include <string>
#include <vector>

namespace lamina {

struct PairsOptions {
  std::string root, list, images, labels;
  std::string image_pattern, label_pattern;
  std::vector<std::string> channels{"image"}, classes{"background", "foreground"};
  std::string group = "case", label_values = "classes";
  SplitOptions split;
  std::vector<std::string> flip_axes{"z", "y", "x"};
  std::string credit;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// A row of the list, or a pair of files.
struct PairsCase {
  CaseFiles files;
  std::string split;  ///< "train", "val", "test" or "" where the list has no such column
};
/// Rows of a CSV with the columns case, image (several with ';'), label, and perhaps group and split.
std::vector<PairsCase> read_list(const std::filesystem::path& file);
/// Files of two folders, matched by name or by what the patterns capture.
std::vector<PairsCase> match_folders(const std::filesystem::path& root, const PairsOptions& options);

class Pairs : public Dataset {
 public:
  using Options = PairsOptions;
  Pairs(const Options& options, const DatasetContext& context);

  DatasetInfo info() const override { return info_; }
  std::vector<std::string> ids(Split split) const override { return plan_.of(split); }
  std::vector<CaseName> cases() const override { return names_of(cases_); }
  Case load(const std::string& id, WithLabels labels) const override;
  std::string fingerprint() const override;

 private:
  DatasetInfo info_;
  std::map<std::string, CaseFiles> cases_;
  SplitPlan plan_;
};

}  // namespace lamina
