// Compares the parts of a split by case and by patient; nothing is read.
#include "engine/data/split_overlap.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

namespace lamina::engine {
namespace {

using Names = std::set<std::string>;

constexpr size_t kPatientsShown = 10;

Names common(const Names& a, const Names& b) {
  Names both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

Names patients_of(const Names& cases, const Names& without, const std::map<std::string, std::string>& groups) {
  Names patients;
  for (const auto& id : cases) {
    const auto group = groups.find(id);
    if (!without.contains(id)) patients.insert(group == groups.end() ? id : group->second);
  }
  return patients;
}

std::string name_of(Split split) {
  return split == Split::Train ? "training" : split == Split::Val ? "validation" : "test";
}

std::string consequence(const SplitOverlap& overlap) {
  if (overlap.first == Split::Val) return "the chosen checkpoint has seen them";
  return overlap.second == Split::Test ? "the model has learned from them"
                                       : "the checkpoint is chosen on what the model has learned";
}

}  // namespace

std::vector<std::string> SplitOverlap::sentences() const {
  std::vector<std::string> all;
  const std::string parts = text(name_of(first), " and ", name_of(second), " intersect: ");
  if (!cases.empty())
    all.push_back(text(parts, cases.size(), cases.size() == 1 ? " case; " : " cases; ", consequence(*this)));
  if (!patients.empty()) {
    all.push_back(text(parts, "other cases of ", patients.size(), patients.size() == 1 ? " patient (" : " patients (",
                       join_first(patients, kPatientsShown), "); ", consequence(*this)));
  }
  return all;
}

std::vector<SplitOverlap> split_overlaps(const Dataset& dataset) {
  std::map<std::string, std::string> groups;
  for (const auto& one : dataset.cases()) groups[one.id] = one.group;
  const auto ids = [&](Split split) {
    const auto list = dataset.ids(split);
    return Names(list.begin(), list.end());
  };
  constexpr std::array kPairs{std::pair{Split::Train, Split::Test}, std::pair{Split::Train, Split::Val},
                              std::pair{Split::Val, Split::Test}};
  std::vector<SplitOverlap> overlaps;
  for (const auto& [first, second] : kPairs) {
    const Names left = ids(first), right = ids(second), both = common(left, right);
    const Names patients = common(patients_of(left, both, groups), patients_of(right, both, groups));
    if (both.empty() && patients.empty()) continue;
    overlaps.push_back({first, second, {both.begin(), both.end()}, {patients.begin(), patients.end()}});
  }
  return overlaps;
}

std::vector<std::string> unused_cases(const Dataset& dataset) {
  Names used;
  for (const auto split : {Split::Train, Split::Val, Split::Test}) {
    for (const auto& id : dataset.ids(split)) used.insert(id);
  }
  std::vector<std::string> unused;
  for (const auto& one : dataset.cases()) {
    if (!used.contains(one.id)) unused.push_back(one.id);
  }
  return unused;
}

std::vector<std::string> split_warnings(const Dataset& dataset) {
  std::vector<std::string> all;
  for (const auto& overlap : split_overlaps(dataset)) {
    const auto sentences = overlap.sentences();
    all.insert(all.end(), sentences.begin(), sentences.end());
  }
  return all;
}

}  // namespace lamina::engine
