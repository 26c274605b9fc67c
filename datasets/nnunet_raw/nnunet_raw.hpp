// A folder in nnU-Net's raw layout: dataset.json, imagesTr, labelsTr.
#pragma once

#include <lamina/data/splits.hpp>
#include <lamina/io/case_files.hpp>

#include <map>
#include <string>
#include <vector>

namespace lamina {

struct NnunetRawOptions {
  std::string root;
  std::string group = "case";
  SplitOptions split;
  std::vector<std::string> flip_axes{"z", "y", "x"};
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const { split.check(errors, where + ".split"); }
};

/// What dataset.json says.
struct NnunetDescription {
  DatasetInfo info;
  std::string file_ending;
  std::vector<CaseFiles> listed;  ///< of the explicit map `dataset`; empty: the folders are the list
};
/// ConfigError or DataError with everything that is wrong in it.
NnunetDescription read_description(const std::filesystem::path& folder);

class NnunetRaw : public Dataset {
 public:
  using Options = NnunetRawOptions;
  NnunetRaw(const Options& options, const DatasetContext& context);

  DatasetInfo info() const override { return info_; }
  std::vector<std::string> ids(Split split) const override { return plan_.of(split); }
  std::vector<CaseName> cases() const override { return names_of(cases_); }
  Case load(const std::string& id, WithLabels labels) const override;
  std::string fingerprint() const override;

 private:
  std::filesystem::path folder_;
  DatasetInfo info_;
  std::map<std::string, CaseFiles> cases_;
  SplitPlan plan_;
};

}  // namespace lamina
