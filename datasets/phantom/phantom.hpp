// Labelled volumes made by the program from a seed: runs everywhere, and may be published.
#pragma once

#include "case_list.hpp"

#include <array>

namespace lamina {

struct PhantomOptions {
  phantom::CaseCounts cases;
  std::array<int64_t, 3> size{24, 96, 96};
  std::array<double, 3> spacing{3, 1, 1};
  int64_t classes = 5;
  double noise = 0.05, bias = 0.35, contrast = 1, deformation = 1;
  int64_t seed = 1;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const { cases.check(errors, where + ".cases"); }
};

class Phantom : public Dataset {
 public:
  using Options = PhantomOptions;
  Phantom(const Options& options, const DatasetContext& context);

  DatasetInfo info() const override;
  std::vector<std::string> ids(Split split) const override;
  Case load(const std::string& id, WithLabels labels) const override;
  std::string fingerprint() const override;

 private:
  Options options_;
};

}  // namespace lamina
