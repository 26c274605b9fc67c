// What all binders share: component options, the collection of mistakes.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

OptionBinder::~OptionBinder() = default;
ComponentChecker::~ComponentChecker() = default;

void OptionBinder::component(const std::string& name, ConfigNode& entry, const std::string& kind,
                             const std::string& help) {
  OptionDoc doc;
  doc.name = name;
  doc.help = help;
  doc.component_kind = kind;
  visit(doc, &entry);
}

void OptionBinder::components(const std::string& name, std::vector<ConfigNode>& entries, const std::string& kind,
                              const std::string& help) {
  OptionDoc doc;
  doc.name = name;
  doc.help = help;
  doc.component_kind = kind;
  visit(doc, &entries);
}

void OptionErrors::add(const std::string& path, const std::string& problem) {
  problems_.push_back(path.empty() ? problem : path + ": " + problem);
}

void OptionErrors::throw_if_any(const std::string& title) const {
  if (problems_.empty()) return;
  const std::string count = problems_.size() == 1 ? "" : text(" (", problems_.size(), " mistakes)");
  throw ConfigError(text(title, count, ":\n  ", join(problems_, "\n  ")));
}

}  // namespace lamina
