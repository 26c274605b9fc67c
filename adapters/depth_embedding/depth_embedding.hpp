// A learned position along depth: tells the slices of a 2D network which slice they are (MaskSAM).
#pragma once

#include <lamina/model/adapter.hpp>
#include <lamina/options/binder.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina {

struct DepthEmbeddingOptions {
  bool spatial = false;
  void bind(OptionBinder& o);
};

/// Adds "temporal_embedding", which starts at 0: [1, T, C], one vector per slice, or (`spatial`) [T, C, h, w], one map
/// per slice. A table that all slices share, [1, h, w, C], becomes one per slice, [B*T, h, w, C].
class DepthEmbeddingUnit : public AdapterUnit {
 public:
  /// `grid`: y, x cells of the maps; none: one vector per slice.
  DepthEmbeddingUnit(const Site& site, int64_t depth, const std::vector<int64_t>& grid);
  torch::Tensor apply(const SiteCall& call) override;

 private:
  int64_t depth_;
  bool spatial_;
  torch::Tensor embedding_;
};

class DepthEmbedding : public Adapter {
 public:
  using Options = DepthEmbeddingOptions;
  DepthEmbedding(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
  Size3 patch_;
};

}  // namespace lamina
