// What an encoder hands on.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace lamina {

struct FeatureSpec {
  std::string name;  ///< "embedding", "tap.0" (k-th global-attention block), "block.2", "stage.4"
  int64_t channels = 0;
  std::array<double, 3> stride{1, 1, 1};  ///< z, y, x in patch pixels; a stem that enlarges the image makes it smaller
  std::array<double, 2> frame{0, 0};      ///< y, x extent in patch pixels that positions 0..1 span
  Size3 kernel{3, 3, 3};                  ///< of the convolutions that made it; a mirrored decoder takes the same
  bool folded = false;                    ///< true: [B*D, C, h, w] (2D network); false: [B, C, d, h, w]
};

/// Tensors by name, in the order of the encoder.
class LAMINA_API Features {
 public:
  bool contains(std::string_view name) const;
  /// Throws Error listing the names that exist.
  torch::Tensor at(std::string_view name) const;
  void set(std::string name, torch::Tensor tensor);
  const std::vector<std::pair<std::string, torch::Tensor>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, torch::Tensor>> items_;
};

/// The spec of that name; Error listing the names otherwise.
LAMINA_API const FeatureSpec& spec_of(const std::vector<FeatureSpec>& specs, std::string_view name);
/// The spec of the feature "embedding", one image per slice, as SAM's encoders make it. ConfigError otherwise; `who` is the
/// component that needs it, as "model.decoder: 'sam_mask'".
LAMINA_API const FeatureSpec& image_embedding(const std::vector<FeatureSpec>& specs, std::string_view who);

}  // namespace lamina
