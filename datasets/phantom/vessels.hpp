// Volumes in which a single slice does not tell the classes apart: vessels run through all slices, nodules are in one.
#pragma once

#include "case_list.hpp"

#include <array>

namespace lamina {

struct VesselsOptions {
  phantom::CaseCounts cases;
  std::array<int64_t, 3> size{12, 64, 64};
  std::array<double, 3> spacing{6, 1, 1};
  int64_t count = 4;
  double noise = 0.1;
  int64_t seed = 1;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const { cases.check(errors, where + ".cases"); }
};

class Vessels : public Dataset {
 public:
  using Options = VesselsOptions;
  Vessels(const Options& options, const DatasetContext& context);

  DatasetInfo info() const override;
  std::vector<std::string> ids(Split split) const override;
  Case load(const std::string& id, WithLabels labels) const override;
  std::string fingerprint() const override;

 private:
  Options options_;
};

}  // namespace lamina
