// Predictions travel as slabs of slices, so that no step holds class scores of a whole volume.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>

namespace lamina {

class LAMINA_API SlabSink {
 public:
  virtual ~SlabSink();
  /// Scores [K, d, H, W] float32 of the next d slices, ascending from 0 without gaps. Only their order between classes
  /// and their linear interpolation have a meaning.
  virtual void put(const torch::Tensor& scores) = 0;
  /// After the last slab; passes on to the next sink.
  virtual void finish() = 0;
};

}  // namespace lamina
