// Walks the declared options of sections and components.
#include "engine/experiment/components.hpp"

#include "engine/experiment/options.hpp"
#include "engine/experiment/path.hpp"

#include <lamina/base/text.hpp>

namespace lamina::engine {

namespace {

struct Walker {
  const Registry& registry;
  std::vector<ComponentUse> uses;

  void component(const std::string& kind, const ConfigNode& given, const std::string& path) {
    if (given.is_null()) return;
    const ConfigNode entry = as_entry(given);
    const std::string name = entry.text_or("type", "");
    uses.push_back({kind, name, path});
    options(registry.find(kind, name, path).describe(), entry, path);
  }

  void options(const std::vector<OptionDoc>& docs, const ConfigNode& node, const std::string& path) {
    for (const OptionDoc& doc : docs) {
      if (!node.contains(doc.name)) continue;
      const ConfigNode value = node.at(doc.name);
      const std::string at = join_path(path, doc.name);
      if (doc.type == OptionType::Group) options(doc.members, value, at);
      if (doc.type == OptionType::Component) component(doc.component_kind, value, at);
      if (doc.type != OptionType::ComponentList) continue;
      for (size_t i = 0; i < value.size(); ++i) component(doc.component_kind, value.at(i), text(at, "[", i, "]"));
    }
  }
};

}  // namespace

std::vector<ComponentUse> components_of(const ConfigNode& experiment, const Registry& registry) {
  Walker walker{registry, {}};
  walker.options(describe_options<ExperimentOptions>(), experiment, "");
  return walker.uses;
}

}  // namespace lamina::engine
