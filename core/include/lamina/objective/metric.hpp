// How a prediction is scored against a reference.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/case.hpp>

#include <any>
#include <map>
#include <string>
#include <vector>

namespace lamina {

struct MetricContext {
  int64_t classes = 2;
};

/// Raw counts of voxels, so that any policy for empty masks can be applied later.
struct Counts {
  int64_t predicted = 0, reference = 0, both = 0;
  int64_t voxels = 0;  ///< all that were looked at: the image without its ignored voxels
};

struct Score {
  int64_t class_id = 0;
  double value = 0;  ///< NaN: undefined (see Counts)
  Counts counts;
};

/// Shared by the metrics of one case: surfaces and distances are computed once.
class Scratch {
 public:
  template <class T>
  T& get(const std::string& key) {
    std::any& slot = slots_[key];
    if (!slot.has_value()) slot = T{};
    return std::any_cast<T&>(slot);
  }

 private:
  std::map<std::string, std::any> slots_;
};

class LAMINA_API Metric {
 public:
  static constexpr const char* kKind = "metric";
  using Interface = Metric;
  using Context = MetricContext;
  virtual ~Metric();

  virtual std::string unit() const;                      ///< "", "mm", "voxels"; default ""
  virtual bool higher_is_better() const;                 ///< default true
  /// Volumes and numbers mean what they say where a mask is empty too: then policies leave them; default false.
  virtual bool defined_on_empty() const;
  /// The value when exactly one of the masks is empty under the strict policy; NaN: the image's diagonal.
  virtual double worst() const;                          ///< default 0
  /// Labels of the prediction [1, D, H, W] against the case's labels, one score per foreground class. Voxels with the
  /// case's ignore label are left out.
  virtual std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const = 0;
};

}  // namespace lamina
