// Sites: the list a network publishes, the hooks that sit there, and merging of linear maps.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/site.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

torch::Tensor linear(const torch::Tensor& input, const LinearMap& map) {
  return at::linear(input, map.weight, map.bias);
}

void require_map(const Site& site) {
  if (site.kind != SiteKind::Projection || site.map.weight.defined()) return;
  throw Error(text("site '", site.path, "' is a projection without a weight; the network must give Site::map"));
}

// A hook may enlarge the leading axis (a position table becomes one per slice) but never the channels.
void require_channels(const Site& site, const torch::Tensor& output) {
  if (!output.defined()) throw Error(text("the adapter at site '", site.path, "' returned no tensor"));
  if (site.layout == Layout::Volume || output.size(-1) == site.out_channels) return;
  throw Error(text("the adapter at site '", site.path, "' returned ", output.size(-1), " channels; expected ",
                   site.out_channels));
}

}  // namespace

SiteHook::~SiteHook() = default;
Shape SiteHook::reshape(Shape in) const { return in; }
std::optional<LinearMap> SiteHook::merge(const Site&, const LinearMap&) const { return std::nullopt; }
bool SiteHook::repeatable() const { return true; }

Site grid_site(const std::string& path, SiteKind kind, int64_t channels) {
  return {path, kind, Layout::Grid, channels, channels, 1, {}};
}

SiteHost::SiteHost() = default;
SiteHost::~SiteHost() = default;

SiteId SiteHost::add_site(Site site) {
  require_map(site);
  for (const auto& other : sites_) {
    if (other.path == site.path)
      throw Error(text("the network publishes site '", site.path, "' twice; paths must be unique"));
  }
  sites_.push_back(std::move(site));
  hooks_.emplace_back();
  merged_.emplace_back();
  return sites_.size() - 1;
}

void SiteHost::attach(SiteId id, SiteHook& hook) {
  hooks_.at(id).push_back(&hook);
  merged_.at(id).reset();
}

Shape SiteHost::shape_after(SiteId id, Shape in) const {
  for (const auto* hook : hooks_.at(id)) in = hook->reshape(in);
  return in;
}

torch::Tensor SiteHost::through(SiteId id, const torch::Tensor& input, torch::Tensor output, const Axes& axes,
                                Scene& scene) const {
  const Site& site = sites_.at(id);
  for (auto* hook : hooks_[id]) {
    // In a stream the input is the output, also behind an earlier hook.
    const torch::Tensor& seen = site.kind == SiteKind::Stream ? output : input;
    torch::Tensor next = hook->apply({site, seen, output, axes, scene});
    require_channels(site, next);
    output = std::move(next);
  }
  return output;
}

torch::Tensor SiteHost::project(SiteId id, const torch::Tensor& input, const Axes& axes, Scene& scene) const {
  if (merged_.at(id)) return linear(input, *merged_[id]);
  return through(id, input, linear(input, sites_[id].map), axes, scene);
}

void SiteHost::merge() {
  torch::NoGradGuard no_grad;
  for (SiteId id = 0; id < sites_.size(); ++id) {
    if (sites_[id].kind != SiteKind::Projection || hooks_[id].empty()) continue;
    std::optional<LinearMap> map = sites_[id].map;
    for (const auto* hook : hooks_[id]) {
      map = hook->merge(sites_[id], *map);
      if (!map) break;
    }
    merged_[id] = std::move(map);
  }
}

void SiteHost::unmerge() {
  for (auto& map : merged_) map.reset();
}

}  // namespace lamina
