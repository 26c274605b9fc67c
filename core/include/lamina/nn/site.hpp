// All that a network knows of adapters: it publishes named sites and sends tensors through them.
#pragma once

#include <lamina/base/export.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

namespace lamina {

class Scene;  // opaque here: networks pass it on and never look inside

/// Stream: input is output. Sublayer: output = layer(input). Projection: one linear map.
enum class SiteKind { Stream, Sublayer, Projection };
/// Volume: [B, C, D, H, W]. Grid: [lead, h, w, C], channels last. Tokens: [lead, n, C].
enum class Layout { Volume, Grid, Tokens };

struct Shape {
  int64_t channels;
  std::array<int64_t, 3> size;  ///< z, y, x
};

struct LinearMap {
  torch::Tensor weight, bias;  ///< [out, in], [out] or undefined
};

struct Site {
  std::string path;  ///< "blocks.3.attn.qkv"; from outside "encoder.blocks.3.attn.qkv"
  SiteKind kind = SiteKind::Stream;
  Layout layout = Layout::Volume;
  int64_t in_channels = 0, out_channels = 0;
  int64_t parts = 1;  ///< fused maps side by side in the output; qkv: 3
  LinearMap map;      ///< Projection only: handles of the host's parameters, never registered a second time
};

/// A stream or sublayer of a grid whose channels stay as many.
LAMINA_API Site grid_site(const std::string& path, SiteKind kind, int64_t channels);

/// Factors of the leading axis, slowest first: batch, depth, queries, windows.
struct Axes {
  int64_t batch = 1, depth = 1, queries = 1,
          windows = 1;            ///< queries 0: ragged, the slice of each row is in image_index
  int64_t height = 0, width = 0;  ///< token grid; 0, 0 for lists
  torch::Tensor image_index;
};

struct SiteCall {
  const Site& site;
  const torch::Tensor& input;
  torch::Tensor output;
  const Axes& axes;
  Scene& scene;
};

/// What sits at a site; model/adapter.hpp implements it.
class LAMINA_API SiteHook {
 public:
  /// Called in every forward; returns what replaces the output.
  virtual torch::Tensor apply(const SiteCall& call) = 0;
  /// Volume sites: what a stem makes of the image's shape. Called when the model is built.
  virtual Shape reshape(Shape in) const;
  /// Projection sites: the map with this unit folded in; none when that is impossible.
  virtual std::optional<LinearMap> merge(const Site& site, const LinearMap& map) const;
  /// False: apply() hands tensors on through the scene or changes itself (running statistics), so it must run once per
  /// forward; a block with it is not checkpointed (nn/checkpoint.hpp).
  virtual bool repeatable() const;

 protected:
  ~SiteHook();
};

using SiteId = size_t;

/// Base of every network that offers sites. Inner blocks get (SiteHost&, prefix) in their constructor.
class LAMINA_API SiteHost {
 public:
  SiteHost();
  virtual ~SiteHost();
  SiteHost(const SiteHost&) = delete;
  SiteHost& operator=(const SiteHost&) = delete;

  const std::vector<Site>& sites() const { return sites_; }
  /// Publishes a site; paths are unique. Called by constructors of networks.
  SiteId add_site(Site site);
  /// Plain pointer: adapters own their units, the model owns hosts and adapters. Hooks run in the order attached.
  void attach(SiteId id, SiteHook& hook);
  const std::vector<SiteHook*>& hooks(SiteId id) const { return hooks_.at(id); }
  bool occupied(SiteId id) const { return !hooks_.at(id).empty(); }

  Shape shape_after(SiteId id, Shape in) const;
  /// Sends a sublayer's output (or a stream) through the site's hooks; without hooks returns `output`.
  torch::Tensor through(SiteId id, const torch::Tensor& input, torch::Tensor output, const Axes& axes,
                        Scene& scene) const;
  /// The site's linear map, then its hooks; or the merged map.
  torch::Tensor project(SiteId id, const torch::Tensor& input, const Axes& axes, Scene& scene) const;

  /// Folds all hooks of each Projection site into its map, where all of them can. For inference only.
  void merge();
  void unmerge();

 private:
  std::vector<Site> sites_;
  std::vector<std::vector<SiteHook*>> hooks_;
  std::vector<std::optional<LinearMap>> merged_;
};

}  // namespace lamina
