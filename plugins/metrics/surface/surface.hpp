// Metrics of surfaces: Hausdorff distance, its 95th percentile, surface Dice at a tolerance, average distances.
#pragma once

#include "surface_distances.hpp"

#include <lamina/objective/metric.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

/// Base: undefined where either mask is empty; otherwise from the distances between both surfaces.
class SurfaceMetric : public Metric {
 public:
  explicit SurfaceMetric(const Context& context) : classes_(context.classes) {}
  std::string unit() const override { return "mm"; }
  bool higher_is_better() const override { return false; }
  double worst() const override;  ///< NaN: the image's diagonal
  std::vector<Score> measure(const Volume& prediction, const Case& reference, Scratch& scratch) const override;

 protected:
  virtual surface::Border border() const { return surface::Border::Voxels; }
  virtual double value(const surface::SurfaceDistances& distances, int64_t class_id) const = 0;
  /// When exactly one of the masks is empty; default NaN.
  virtual double one_is_empty() const;

 private:
  int64_t classes_;
};

struct NoOptions {
  void bind(OptionBinder&) {}
};

/// The largest distance, either way.
class Hausdorff : public SurfaceMetric {
 public:
  using Options = NoOptions;
  Hausdorff(const Options&, const Context& context) : SurfaceMetric(context) {}

 protected:
  double value(const surface::SurfaceDistances& distances, int64_t class_id) const override;
};

struct Hausdorff95Options {
  std::string method = "max_of_percentiles";
  void bind(OptionBinder& o) {
    o.field(
        "method", method,
        "Larger of both directed percentiles (MONAI), percentile of both directions pooled (MedPy), or larger of both "
        "percentiles weighted by surface area (surface-distance)",
        OneOf{"max_of_percentiles", "pooled", "area_weighted"});
  }
};

/// The 95th percentile of the distances.
class Hausdorff95 : public SurfaceMetric {
 public:
  using Options = Hausdorff95Options;
  Hausdorff95(const Options& options, const Context& context) : SurfaceMetric(context), options_(options) {}

 protected:
  surface::Border border() const override;
  double value(const surface::SurfaceDistances& distances, int64_t class_id) const override;

 private:
  Options options_;
};

struct SurfaceDiceOptions {
  double tolerance_mm = 1.0;
  std::vector<double> class_tolerances_mm;
  std::string by = "counts";
  void bind(OptionBinder& o) {
    o.field("tolerance_mm", tolerance_mm, "Distance up to which a piece of surface counts as right, mm", AtLeast{0});
    o.field("class_tolerances_mm", class_tolerances_mm,
            "One tolerance per foreground class, in their order, instead of tolerance_mm; empty: the same for all",
            AtLeast{0});
    o.field("by", by, "Count border voxels (MONAI) or measure areas of the surface (surface-distance)",
            OneOf{"counts", "areas"});
  }
};

/// Normalised surface Dice: the share of both surfaces within the tolerance of the other.
class SurfaceDice : public SurfaceMetric {
 public:
  using Options = SurfaceDiceOptions;
  SurfaceDice(const Options& options, const Context& context);
  std::string unit() const override { return ""; }
  bool higher_is_better() const override { return true; }
  double worst() const override { return 0; }

 protected:
  surface::Border border() const override;
  double value(const surface::SurfaceDistances& distances, int64_t class_id) const override;
  double one_is_empty() const override { return 0; }

 private:
  Options options_;
};

/// Mean over the voxels of both borders.
class AverageSurfaceDistance : public SurfaceMetric {
 public:
  using Options = NoOptions;
  AverageSurfaceDistance(const Options&, const Context& context) : SurfaceMetric(context) {}

 protected:
  double value(const surface::SurfaceDistances& distances, int64_t class_id) const override;
};

/// Mean of the two directed means.
class MeanAverageSurfaceDistance : public SurfaceMetric {
 public:
  using Options = NoOptions;
  MeanAverageSurfaceDistance(const Options&, const Context& context) : SurfaceMetric(context) {}

 protected:
  double value(const surface::SurfaceDistances& distances, int64_t class_id) const override;
};

}  // namespace lamina
