// Names of made-up cases, split by split.
#include "case_list.hpp"

#include <iomanip>
#include <sstream>

namespace lamina::phantom {

void CaseCounts::bind(OptionBinder& o) {
  o.field("train", train, "Cases to train on", AtLeast{1});
  o.field("val", val, "Cases for selection", AtLeast{0});
  o.field("test", test, "Cases for the test", AtLeast{0});
  labels.bind(o);
}

void CaseCounts::check(OptionErrors& errors, const std::string& where) const { labels.check(errors, where); }

std::vector<std::string> CaseCounts::ids(const std::string& prefix, Split split) const {
  const int64_t count = split == Split::Train ? train : split == Split::Val ? val : test;
  const char* name = split == Split::Train ? "train" : split == Split::Val ? "val" : "test";
  std::vector<std::string> names;
  for (int64_t index = 0; index < count; ++index) {
    std::ostringstream out;
    out << prefix << '_' << name << '_' << std::setw(3) << std::setfill('0') << index;
    names.push_back(out.str());
  }
  if (split != Split::Train) return names;
  std::vector<CaseName> cases;
  for (const auto& id : names) cases.push_back({id, id});
  return within_budget(labels, cases);
}

Case CaseCounts::as_budgeted(const std::string& prefix, Case one) const {
  return one.id.starts_with(prefix + "_train_") ? within_budget(labels, std::move(one)) : one;
}

}  // namespace lamina::phantom
