// lamina describe: what a component is and which options it has, from the plugin itself.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/plugin/loader.hpp>

#include <algorithm>

#include "common.hpp"
#include "component_node.hpp"
#include "heavy.hpp"

namespace lamina::cli {
namespace {

void add_lines(const std::vector<OptionDoc>& docs, const std::string& prefix, std::string& lines) {
  for (const auto& doc : docs) {
    if (doc.type == OptionType::Group) {
      add_lines(doc.members, prefix + doc.name + ".", lines);
      continue;
    }
    const std::string fallback = doc.required                  ? "required"
                                 : doc.default_value.is_null() ? "none"
                                                               : doc.default_value.dump();
    lines += text("  ", prefix, doc.name, " (", expectation(doc), "; default: ", fallback, ")\n      ", doc.help, "\n");
  }
}

std::string described(const ComponentInfo& info, const std::vector<OptionDoc>& docs) {
  std::string lines = text(info.kind, " ", info.name, ", version ", info.version, ": ", info.summary, "\n");
  if (!info.file.empty()) lines += text("from ", info.file, "\n");
  lines += docs.empty() ? "no options\n" : "options:\n";
  add_lines(docs, "", lines);
  return lines;
}

/// A wrong kind is a likelier mistake than a missing plugin: say which there are.
void require_kind(const Registry& registry, const std::string& kind) {
  std::vector<std::string> kinds;
  for (const auto& info : registry.list()) {
    if (std::find(kinds.begin(), kinds.end(), info.kind) == kinds.end()) kinds.push_back(info.kind);
  }
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return;
  throw ConfigError(
      text("there are no components of the kind '", kind, "'", did_you_mean(kind, kinds), "; kinds: ", join(kinds)));
}

int run(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const std::string kind = word_of(arguments, "kind");
  require_kind(*registry, kind);
  const ComponentEntry& component = registry->find(kind, word_of(arguments, "name"), "");
  const auto docs = component.describe();
  ConfigNode node = component_node(component.info);
  node.set("options", json_schema(docs));
  print(arguments, node, arguments.contains("markdown") ? markdown_table(docs) : described(component.info, docs));
  return 0;
}

}  // namespace

Verb describe_verb() {
  return {"describe",
          "explains a component and its options",
          "lamina describe KIND NAME [--json | --markdown]",
          "lamina describe adapter depth_conv",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("kind", po::value<std::string>()->required(), "adapter, decoder, loss, ...");
            add("name", po::value<std::string>()->required(), "as `lamina list` shows it");
            add("markdown", "print the table of its options as pages hold it");
            declare_json(options);
            positional.add("kind", 1).add("name", 1);
          },
          run};
}

}  // namespace lamina::cli
