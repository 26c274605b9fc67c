// One case of a dataset: images, labels and where they lie.
#pragma once

#include <lamina/base/streams.hpp>
#include <lamina/data/geometry.hpp>
#include <lamina/data/tensors.hpp>

#include <optional>
#include <string>

namespace lamina {

/// Voxels [C, D, H, W] (images float32, labels and instances int64 or int16 with C = 1) and their geometry.
struct Volume {
  torch::Tensor voxels;
  Geometry geometry;
  bool defined() const { return voxels.defined(); }
  Size3 size() const { return {voxels.size(1), voxels.size(2), voxels.size(3)}; }
};

struct CaseName {
  std::string id, group;
};

struct Case {
  std::string id;
  std::string group;                          ///< the patient: splits and statistics go by it
  Streams<Volume> images, labels, instances;  ///< labels, instances: absent where there are none
  Box valid;                                  ///< what is not padding
  std::optional<int64_t> ignore;              ///< label that neither loss nor metric counts

  bool has_label() const { return !labels.empty() && labels.primary().defined(); }
};

/// The grid of a case without its voxels: what is needed to bring a prediction back.
struct Frame {
  Size3 size{0, 0, 0};
  Geometry geometry;
};
inline Frame frame_of(const Case& one) { return {one.images.primary().size(), one.images.primary().geometry}; }

}  // namespace lamina
