// Cuts away the empty border of a volume, as nnU-Net does.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct CropNonzeroOptions {
  int64_t margin = 0;

  void bind(OptionBinder& o);
};

class CropNonzero : public Transform {
 public:
  using Options = CropNonzeroOptions;
  CropNonzero(const Options& options, const TransformContext& context);

  Case apply(Case one, Random& random) const override;
  std::unique_ptr<SlabSink> inverse(const Frame& before, const Frame& after, SlabSink& next) const override;

  /// The smallest box with every voxel that is not 0 in some channel of image [C, D, H, W]; all of it when there is
  /// none.
  static Box nonzero_box(const torch::Tensor& image);

 private:
  Options options_;
};

/// Puts scores of the box back into the whole volume; background wins outside.
class PadAround : public SlabSink {
 public:
  PadAround(const Box& box, const Size3& whole, SlabSink& next);
  void put(const torch::Tensor& scores) override;
  void finish() override;

 private:
  /// Slices [K, 1, H, W] without foreground.
  void put_empty(int64_t slices);

  Box box_;
  Size3 whole_;
  SlabSink& next_;
  int64_t received_ = 0;
  int64_t classes_ = 0;
};

}  // namespace lamina
