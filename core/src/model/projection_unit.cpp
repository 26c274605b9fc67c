// Adapters that change a linear map.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/projection_unit.hpp>

#include <algorithm>
#include <array>

#include <torch/utils.h>

namespace lamina {
namespace {

const std::array<std::string, 3> kPartNames{"q", "k", "v"};
constexpr int64_t kFused = 3;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_fused(const Site& site) { return site.parts > 1; }

void require_projection(const Site& site) {
  if (site.kind != SiteKind::Projection) {
    throw ConfigError(
        "it changes a single linear map (a projection), and this site holds features. Choose a site such as "
        "'....attn.qkv', '....attn.proj' or '....mlp.lin1'");
  }
  if (!is_fused(site) || (site.parts % kFused == 0 && site.out_channels % site.parts == 0)) return;
  throw ConfigError(text("its map is made of ", site.parts, " fused parts; expected q, k and v"));
}

}  // namespace

void ProjectionParts::bind(OptionBinder& o) {
  o.field("parts", names, "Which maps of a fused qkv are changed; a map that is not fused is changed as a whole",
          OneOf{"q", "k", "v"});
}

void ProjectionParts::check(OptionErrors& errors, const std::string& where) const {
  if (names.empty()) errors.add(where + ".parts", "is empty, so nothing would change; expected some of q, k, v");
  for (size_t i = 1; i < names.size(); ++i) {
    const auto earlier = names.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(names.begin(), earlier, names[i]) != earlier)
      errors.add(text(where, ".parts[", i, "]"), text("'", names[i], "' is named twice"));
  }
}

ProjectionUnit::~ProjectionUnit() = default;

ProjectionUnit::ProjectionUnit(const ProjectionParts& parts, const Site& site)
    : in_channels_(site.in_channels), out_channels_(site.out_channels) {
  require_projection(site);
  if (!is_fused(site)) {
    changed_ = {""};
    return;
  }
  groups_ = site.parts / kFused;
  out_channels_ /= kFused;
  for (const auto& name : kPartNames) {
    if (contains(parts.names, name)) changed_.push_back(name);
  }
}

std::string ProjectionUnit::named(const std::string& name, size_t part) const {
  return changed_[part].empty() ? name : name + "_" + changed_[part];
}

torch::Tensor ProjectionUnit::apply(const SiteCall& call) {
  if (changed_.front().empty()) return call.output + change(call.input, 0);
  // [..., 3C] -> [..., groups, 3, w]: one group of all heads in SAM's ViT, one for each head in TinyViT
  const torch::Tensor fused = call.output.unflatten(-1, {groups_, kFused, out_channels_ / groups_});
  std::vector<torch::Tensor> parts = fused.unbind(-2);
  size_t next = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (next >= changed_.size() || changed_[next] != kPartNames[i]) continue;
    parts[i] = parts[i] + change(call.input, next++).unflatten(-1, {groups_, -1});
  }
  return at::stack(parts, -2).flatten(-3);
}

std::optional<LinearMap> ProjectionUnit::merge(const Site&, const LinearMap& map) const {
  const torch::NoGradGuard no_grad;
  if (changed_.front().empty()) return LinearMap{map.weight + weight_change(0).to(map.weight.scalar_type()), map.bias};
  const torch::Tensor weight = map.weight.detach().clone();  // [3C, in]
  const torch::Tensor fused = weight.unflatten(0, {groups_, kFused, -1});
  size_t next = 0;
  for (int64_t i = 0; i < kFused; ++i) {
    if (next >= changed_.size() || changed_[next] != kPartNames[static_cast<size_t>(i)]) continue;
    fused.select(1, i).add_(weight_change(next++).unflatten(0, {groups_, -1}));
  }
  return LinearMap{weight, map.bias};
}

}  // namespace lamina
