// Detection of lesions: counts, precision, recall, F1, and Dice lesion by lesion.
#pragma once

#include "lesion_matching.hpp"

#include <lamina/objective/metric.hpp>

namespace lamina {

/// Base: from the matched lesions of each class, found once per case for all metrics of the same options.
class LesionMetric : public Metric {
 public:
  using Options = LesionOptions;
  LesionMetric(const Options& options, const Context& context) : options_(options), classes_(context.classes) {}
  std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const override;

 protected:
  virtual double value(const LesionMatches& matches) const = 0;

 private:
  Options options_;
  int64_t classes_;
};

/// TP / (TP + FP)
class LesionPrecision : public LesionMetric {
 public:
  using LesionMetric::LesionMetric;

 protected:
  double value(const LesionMatches& matches) const override;
};

/// TP / (TP + FN)
class LesionRecall : public LesionMetric {
 public:
  using LesionMetric::LesionMetric;

 protected:
  double value(const LesionMatches& matches) const override;
};

/// 2 TP / (2 TP + FP + FN)
class LesionF1 : public LesionMetric {
 public:
  using LesionMetric::LesionMetric;

 protected:
  double value(const LesionMatches& matches) const override;
};

/// Mean Dice of the lesions, 0 for each that is missed or invented.
class LesionDice : public LesionMetric {
 public:
  using LesionMetric::LesionMetric;

 protected:
  double value(const LesionMatches& matches) const override;
};

/// Numbers of lesions: defined where masks are empty, too.
class LesionCount : public LesionMetric {
 public:
  using LesionMetric::LesionMetric;
  bool defined_on_empty() const override { return true; }
};

/// Lesions that are found.
class LesionTruePositives : public LesionCount {
 public:
  using LesionCount::LesionCount;

 protected:
  double value(const LesionMatches& matches) const override;
};

/// Lesions that are invented.
class LesionFalsePositives : public LesionCount {
 public:
  using LesionCount::LesionCount;
  bool higher_is_better() const override { return false; }

 protected:
  double value(const LesionMatches& matches) const override;
};

/// Lesions that are missed.
class LesionFalseNegatives : public LesionCount {
 public:
  using LesionCount::LesionCount;
  bool higher_is_better() const override { return false; }

 protected:
  double value(const LesionMatches& matches) const override;
};

}  // namespace lamina
