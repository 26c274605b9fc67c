// Names of made-up cases, split by split.
#pragma once

#include <lamina/data/dataset.hpp>
#include <lamina/options/binder.hpp>

#include <string>
#include <vector>

namespace lamina::phantom {

struct CaseCounts {
  int64_t train = 16, val = 4, test = 8;
  void bind(OptionBinder& o);
  /// "PREFIX_train_000", ...
  std::vector<std::string> ids(const std::string& prefix, Split split) const;
};

}  // namespace lamina::phantom
