// A model as an experiment describes it.
#include <lamina/model/model.hpp>

#include "model/model_builder.hpp"

#include <algorithm>

#include <torch/nn/module.h>

namespace lamina {
namespace {

// Ids of the adapters whose units sit at a site, in the order in which they run.
std::vector<std::string> owners(const std::vector<SiteHook*>& hooks, const torch::nn::Module& adapters) {
  std::vector<std::string> ids;
  for (const SiteHook* hook : hooks) {
    for (const auto& entry : adapters.named_children()) {
      for (const auto& child : entry.value()->children()) {
        const auto* unit = dynamic_cast<const AdapterUnit*>(child.get());
        if (unit && static_cast<const SiteHook*>(unit) == hook) ids.push_back(entry.key());
      }
    }
  }
  return ids;
}

// A module without any parameter (an activation, a dropout) follows its parent.
void set_mode_of(torch::nn::Module& module, bool training, bool parent) {
  const auto parameters = module.parameters();
  const bool owns = std::any_of(parameters.begin(), parameters.end(), [](const auto& p) { return p.requires_grad(); });
  const bool on = training && (parameters.empty() ? parent : owns);
  module.train(on);
  for (const auto& child : module.children()) set_mode_of(*child, training, on);
}

}  // namespace

Model::~Model() = default;

std::shared_ptr<Model> Model::build(const Registry& registry, const ConfigNode& section, const ModelSetup& setup) {
  return Builder(registry, section, setup).run();
}

std::vector<SiteUse> Model::site_uses() const {
  std::vector<SiteUse> uses;
  const auto adapters = named_children()["adapters"];
  const auto add = [&](const std::string& prefix, const SiteHost& host) {
    for (SiteId id = 0; id < host.sites().size(); ++id) {
      const Site& site = host.sites()[id];
      uses.push_back({prefix + site.path, site, owners(host.hooks(id), *adapters)});
    }
  };
  add("encoder.", *encoder_);
  add("prompter.", *prompter_);
  add("decoder.", *decoder_);
  return uses;
}

LabelUse Model::uses_labels() const { return std::max(prompter_->uses_labels(), decoder_->uses_labels()); }

void Model::set_mode(Mode mode) { set_mode_of(*this, mode == Mode::Train, mode == Mode::Train); }

}  // namespace lamina
