// One function per policy; docs/metrics.md has the table.
#include "engine/evaluate/policy.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <map>

namespace lamina::engine {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

using Policy = std::function<double(double raw, const std::string& flag, const PolicyCase& about)>;

/// Ratios of counts as they are: NaN for an absent class, 0 for a missed or invented one; distances stay undefined.
double nnunet(double raw, const std::string&, const PolicyCase&) { return raw; }

/// Overlap of a class without reference is not scored, so inventing it costs nothing; hd without percentile is
/// infinite.
double monai(double raw, const std::string& flag, const PolicyCase& about) {
  const bool overlap = about.higher_is_better && about.type != "nsd";
  if (overlap && flag == "hallucinated") return kUndefined;
  if (about.type == "hd" && flag != "absent") return std::numeric_limits<double>::infinity();
  return raw;
}

/// Test scripts of the TransUNet family: an invented class scores 1, an absent one 0, every distance 0.
double transunet(double, const std::string& flag, const PolicyCase& about) {
  return about.higher_is_better && flag == "hallucinated" ? 1 : 0;
}

/// Right about an absent class is the best value, one empty mask the worst, where the metric itself does not say.
double strict(double raw, const std::string& flag, const PolicyCase& about) {
  if (flag == "absent") return about.higher_is_better ? 1 : 0;
  return std::isnan(raw) ? about.worst : raw;
}

const std::map<std::string, Policy>& policies() {
  static const std::map<std::string, Policy> all{
      {"nnunet", nnunet}, {"monai", monai}, {"transunet", transunet}, {"strict", strict}};
  return all;
}

}  // namespace

const std::vector<std::string>& empty_policies() {
  static const std::vector<std::string> names{"nnunet", "monai", "transunet", "strict"};
  return names;
}

std::string flag_of(const Counts& counts) {
  if (counts.predicted == 0 && counts.reference == 0) return "absent";
  if (counts.predicted == 0) return "missed";
  return counts.reference == 0 ? "hallucinated" : "ok";
}

double with_policy(const std::string& policy, double raw, const std::string& flag, const PolicyCase& about) {
  return flag == "ok" || about.defined_on_empty ? raw : policies().at(policy)(raw, flag, about);
}

double diagonal(const Volume& volume) {
  const auto size = volume.size();
  double squared = 0;
  for (size_t axis = size[0] == 1 ? 1 : 0; axis < 3; ++axis) {
    squared += std::pow(static_cast<double>(size[axis]) * volume.geometry.spacing[axis], 2);
  }
  return std::sqrt(squared);
}

}  // namespace lamina::engine
