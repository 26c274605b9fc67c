// A length decides what a value means, so it is always in the name; sizes and other options only where somebody chose
// them.
#include "engine/evaluate/metric_name.hpp"

#include <lamina/base/text.hpp>
#include <lamina/objective/metric.hpp>

#include <algorithm>

namespace lamina::engine {
namespace {

/// "1mm"; "1/2mm" for a list; "" for an empty one.
std::string length_text(const ConfigNode& value) {
  if (value.is_number()) return text(value.as_number(), "mm");
  std::vector<double> numbers;
  for (size_t i = 0; i < value.size(); ++i) numbers.push_back(value.at(i).as_number());
  return numbers.empty() ? "" : join(numbers, "/") + "mm";
}

std::string option_text(const std::string& name, const ConfigNode& value) {
  if (value.is_string()) return value.as_text();
  if (value.is_bool()) return (value.as_bool() ? "" : "no_") + name;
  return name + value.dump();
}

}  // namespace

std::string metric_name(const ConfigNode& entry, const Registry& registry) {
  const ConfigNode full = registry.resolve(Metric::kKind, as_entry(entry));
  const std::string type = full.at("type").as_text(), id = full.text_or("id", "");
  if (!id.empty()) return id;
  const auto docs = registry.find(Metric::kKind, type, "").describe();
  std::string lengths, others;
  for (const auto& doc : docs) {
    const ConfigNode value = full.at(doc.name);
    if (doc.name.ends_with("_mm")) {
      const std::string length = value.is_null() ? "" : length_text(value);
      if (!length.empty()) lengths += "@" + length;
    } else if (value == doc.default_value) {
      continue;
    } else if (doc.name.ends_with("_mm3")) {
      lengths += text("@", value.as_number(), "mm3");
    } else {
      others += "_" + option_text(doc.name, value);
    }
  }
  return type + lengths + others;
}

}  // namespace lamina::engine
