// Adapters of linear maps, folded into the maps for as long as a model predicts.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/model.hpp>

namespace lamina {

/// While it lives, every projection whose adapters can all be merged (LoRA, FacT) runs as one linear map: the same
/// result up to rounding, without the adapters' own work. Parameters stay as they are; weights that change meanwhile
/// are not seen. Not for training, and one at a time per model.
class LAMINA_API MergedMaps {
 public:
  explicit MergedMaps(Model& model);
  ~MergedMaps();
  MergedMaps(const MergedMaps&) = delete;
  MergedMaps& operator=(const MergedMaps&) = delete;

 private:
  Model& model_;
};

}  // namespace lamina
