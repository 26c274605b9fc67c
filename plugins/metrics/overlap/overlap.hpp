// Metrics that follow from counts of voxels alone: Dice, IoU, precision, recall, volume similarity.
#pragma once

#include <lamina/objective/metric.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct OverlapOptions {
  void bind(OptionBinder&) {}
};

/// Base: a ratio of counts; NaN where it is 0 / 0.
class OverlapMetric : public Metric {
 public:
  using Options = OverlapOptions;
  explicit OverlapMetric(const Context& context) : classes_(context.classes) {}
  std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const override;

 protected:
  virtual double value(const Counts& counts) const = 0;

 private:
  int64_t classes_;
};

/// 2 |A & B| / (|A| + |B|)
class Dice : public OverlapMetric {
 public:
  Dice(const Options&, const Context& context) : OverlapMetric(context) {}

 protected:
  double value(const Counts& counts) const override;
};

/// |A & B| / |A or B|
class Iou : public OverlapMetric {
 public:
  Iou(const Options&, const Context& context) : OverlapMetric(context) {}

 protected:
  double value(const Counts& counts) const override;
};

/// |A & B| / |A|, A the prediction
class Precision : public OverlapMetric {
 public:
  Precision(const Options&, const Context& context) : OverlapMetric(context) {}

 protected:
  double value(const Counts& counts) const override;
};

/// |A & B| / |B|, B the reference
class Recall : public OverlapMetric {
 public:
  Recall(const Options&, const Context& context) : OverlapMetric(context) {}

 protected:
  double value(const Counts& counts) const override;
};

/// 1 - | |A| - |B| | / (|A| + |B|)
class VolumeSimilarity : public OverlapMetric {
 public:
  VolumeSimilarity(const Options&, const Context& context) : OverlapMetric(context) {}

 protected:
  double value(const Counts& counts) const override;
};

}  // namespace lamina
