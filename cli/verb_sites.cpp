// lamina describe sites: where adapters can sit in an experiment's model, and who sits there.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"

#include <lamina/base/text.hpp>

namespace lamina::cli {
namespace {

const char* kind_name(SiteKind kind) {
  if (kind == SiteKind::Stream) return "stream";
  return kind == SiteKind::Sublayer ? "sublayer" : "projection";
}

const char* layout_name(Layout layout) {
  if (layout == Layout::Volume) return "volume [B, C, D, H, W]";
  return layout == Layout::Grid ? "grid [lead, h, w, C]" : "tokens [lead, n, C]";
}

std::string channels_of(const Site& site) {
  const bool same = site.in_channels == site.out_channels;
  return same ? std::to_string(site.out_channels) : text(site.in_channels, " -> ", site.out_channels);
}

int sites(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto experiment = load_experiment(arguments, *registry);
  const auto model = engine::build_model(experiment, engine::open_dataset(experiment, *registry)->info(), *registry);
  std::vector<std::vector<std::string>> rows{{"site", "kind", "layout", "channels", "adapters"}};
  ConfigNode list = ConfigNode::array();
  for (const auto& use : model->site_uses()) {
    rows.push_back(
        {use.path, kind_name(use.site.kind), layout_name(use.site.layout), channels_of(use.site), join(use.adapters)});
    ConfigNode entry = ConfigNode::object();
    entry.set("site", use.path);
    entry.set("kind", kind_name(use.site.kind));
    entry.set("layout", layout_name(use.site.layout));
    entry.set("in_channels", use.site.in_channels);
    entry.set("out_channels", use.site.out_channels);
    entry.set("adapters", join(use.adapters));
    list.push_back(std::move(entry));
  }
  print(arguments, list, table(rows));
  return 0;
}

}  // namespace

Verb describe_sites_verb() {
  return {"describe sites",
          "lists the sites of an experiment's model and the adapters that sit there",
          "lamina describe sites EXPERIMENT [--set PATH=VALUE ...]",
          "lamina describe sites phantom",
          declare_experiment,
          sites};
}

}  // namespace lamina::cli
