// Adapters: one Adapter per entry of the experiment (owns what is shared), one AdapterUnit per chosen site.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/prompts.hpp>
#include <lamina/model/features.hpp>
#include <lamina/model/scene.hpp>
#include <lamina/nn/site.hpp>

#include <memory>
#include <string>
#include <vector>

#include <torch/nn/module.h>

namespace lamina {

struct AdapterContext {
  Size3 patch{1, 1, 1};  ///< its depth sizes a depth MLP
  int64_t classes = 2;
};

/// What an adapter may know of the network it sits in. Features and prompts are empty for encoder sites.
struct HostInfo {
  Room room;
  std::vector<FeatureSpec> features;
  PromptSpec prompts;
};

class LAMINA_API AdapterUnit : public torch::nn::Module, public SiteHook {
 public:
  ~AdapterUnit() override;
};

class LAMINA_API Adapter : public torch::nn::Module {
 public:
  static constexpr const char* kKind = "adapter";
  using Interface = Adapter;
  using Context = AdapterContext;
  ~Adapter() override;

  /// Globs used when the entry gives no "at".
  virtual std::vector<std::string> default_sites() const = 0;
  /// A unit for one site. Encoder sites come first, the others after the decoder is built. ConfigError when the
  /// adapter cannot sit there (wrong layout or kind, ragged prompts under a depth-mixing unit).
  virtual std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) = 0;
  /// Before that host runs, once per stream.
  virtual void begin(Room room, Scene& scene);
};

}  // namespace lamina
