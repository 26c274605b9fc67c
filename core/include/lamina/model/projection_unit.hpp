// Adapters that change a linear map: what LoRA and FacT share. The change is added to the map's output, or folded into
// its weight for inference.
#pragma once

#include <lamina/model/adapter.hpp>
#include <lamina/options/binder.hpp>

#include <string>
#include <vector>

namespace lamina {

/// Which of the maps that lie side by side in a fused qkv are changed. A map of its own (proj, lin1, q_proj) is changed
/// as a whole, whatever is said here.
struct LAMINA_API ProjectionParts {
  std::vector<std::string> names{"q", "v"};
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// output + change(input), on the chosen parts.
class LAMINA_API ProjectionUnit : public AdapterUnit {
 public:
  /// ConfigError where the site is no projection, or its fused maps are not q, k, v (of all heads, or head by head).
  ProjectionUnit(const ProjectionParts& parts, const Site& site);
  ~ProjectionUnit() override;
  torch::Tensor apply(const SiteCall& call) final;
  std::optional<LinearMap> merge(const Site& site, const LinearMap& map) const final;

 protected:
  /// Names of the changed parts in the order q, k, v; one empty name where the map is not fused.
  const std::vector<std::string>& changed() const { return changed_; }
  int64_t in_channels() const { return in_channels_; }
  int64_t out_channels() const { return out_channels_; }  ///< of one part, all its heads together
  /// `name` with the part behind it, "linear_a_q"; as it is where the map is not fused.
  std::string named(const std::string& name, size_t part) const;

  /// [..., in] -> [..., out] for changed()[part].
  virtual torch::Tensor change(const torch::Tensor& input, size_t part) = 0;
  /// The same as a matrix, [out, in]; what is random while training is left out.
  virtual torch::Tensor weight_change(size_t part) const = 0;

 private:
  std::vector<std::string> changed_;
  int64_t in_channels_, out_channels_, groups_ = 1;  // groups: of q, k, v side by side
};

}  // namespace lamina
