// Volumes of classes in millilitres, and how far apart they are.
#pragma once

#include <lamina/objective/metric.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

/// Base: from the volumes of prediction and reference.
class VolumeMetric : public Metric {
 public:
  explicit VolumeMetric(const Context& context) : classes_(context.classes) {}
  bool higher_is_better() const override { return false; }
  std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const override;

 protected:
  virtual double value(double predicted_ml, double reference_ml) const = 0;

 private:
  int64_t classes_;
};

struct ClassVolumeOptions {
  std::string of = "prediction";
  void bind(OptionBinder& o) {
    o.field("of", of, "Whose volume: the prediction's or the reference's", OneOf{"prediction", "reference"});
  }
};

/// |A| or |B| in ml: a measurement, no score.
class ClassVolume : public VolumeMetric {
 public:
  using Options = ClassVolumeOptions;
  ClassVolume(const Options& options, const Context& context) : VolumeMetric(context), options_(options) {}
  std::string unit() const override { return "ml"; }
  bool defined_on_empty() const override { return true; }

 protected:
  double value(double predicted_ml, double reference_ml) const override;

 private:
  Options options_;
};

struct VolumeDifferenceOptions {
  bool is_signed = false;
  void bind(OptionBinder& o) {
    o.field("signed", is_signed, "Keep the sign: above 0 where the prediction is larger. The mean is then a bias");
  }
};

/// | |A| - |B| | in ml, or with its sign.
class VolumeDifference : public VolumeMetric {
 public:
  using Options = VolumeDifferenceOptions;
  VolumeDifference(const Options& options, const Context& context) : VolumeMetric(context), options_(options) {}
  std::string unit() const override { return "ml"; }
  bool defined_on_empty() const override { return true; }

 protected:
  double value(double predicted_ml, double reference_ml) const override;

 private:
  Options options_;
};

/// The difference over |B|; undefined without a reference.
class RelativeVolumeDifference : public VolumeMetric {
 public:
  using Options = VolumeDifferenceOptions;
  RelativeVolumeDifference(const Options& options, const Context& context) : VolumeMetric(context), options_(options) {}
  double worst() const override;

 protected:
  double value(double predicted_ml, double reference_ml) const override;

 private:
  Options options_;
};

}  // namespace lamina
