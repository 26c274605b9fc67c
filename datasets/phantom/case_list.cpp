// Names of made-up cases, split by split.
#include "case_list.hpp"

#include <iomanip>
#include <sstream>

namespace lamina::phantom {

void CaseCounts::bind(OptionBinder& o) {
  o.field("train", train, "Cases to train on", AtLeast{1});
  o.field("val", val, "Cases for selection", AtLeast{0});
  o.field("test", test, "Cases for the test", AtLeast{0});
}

std::vector<std::string> CaseCounts::ids(const std::string& prefix, Split split) const {
  const int64_t count = split == Split::Train ? train : split == Split::Val ? val : test;
  const char* name = split == Split::Train ? "train" : split == Split::Val ? "val" : "test";
  std::vector<std::string> names;
  for (int64_t index = 0; index < count; ++index) {
    std::ostringstream out;
    out << prefix << '_' << name << '_' << std::setw(3) << std::setfill('0') << index;
    names.push_back(out.str());
  }
  return names;
}

}  // namespace lamina::phantom
