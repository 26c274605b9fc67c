// A control: labels that say nothing about the image.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct ShuffleLabelsOptions {
  void bind(OptionBinder&) {}
};

/// Puts the labels of a patch's valid voxels into random order: how often a class occurs stays, where it does not. A
/// network that still scores above chance on test cases has learned from something else than its labels.
class ShuffleLabels : public Transform {
 public:
  using Options = ShuffleLabelsOptions;
  ShuffleLabels(const Options&, const TransformContext&) {}
  Case apply(Case one, Random& random) const override;
};

}  // namespace lamina
