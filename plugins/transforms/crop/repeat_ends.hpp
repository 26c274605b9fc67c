// The first and the last slice once more in front and behind, so that a window of slices can stand at every slice.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

#include <optional>

namespace lamina {

struct RepeatEndsOptions {
  std::optional<int64_t> slices;

  void bind(OptionBinder& o);
};

class RepeatEnds : public Transform {
 public:
  using Options = RepeatEndsOptions;
  RepeatEnds(const Options& options, const TransformContext& context);

  Case apply(Case one, Random& random) const override;
  std::unique_ptr<SlabSink> inverse(const Frame& before, const Frame& after, SlabSink& next) const override;

 private:
  int64_t slices_;
};

/// Hands on the slices between the repeated ones.
class WithoutEnds : public SlabSink {
 public:
  WithoutEnds(int64_t ends, int64_t slices, SlabSink& next);
  void put(const torch::Tensor& scores) override;
  void finish() override;

 private:
  int64_t begin_, end_, received_ = 0;
  SlabSink& next_;
};

}  // namespace lamina
