// What an option expects, in words, as a Markdown table and as JSON Schema.
#include <lamina/base/text.hpp>
#include <lamina/options/option_doc.hpp>

#include <cmath>

#include "options/json_access.hpp"

namespace lamina {
namespace {

using nlohmann::json;

/// 1, not 1.0, where the bound is whole.
std::string number_text(double value) {
  const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  return make_node(whole ? json(static_cast<int64_t>(value)) : json(value)).dump();
}

std::string bounds(const OptionDoc& doc) {
  if (doc.minimum && doc.maximum) return text(" from ", number_text(*doc.minimum), " to ", number_text(*doc.maximum));
  if (doc.minimum) return text(" >= ", number_text(*doc.minimum));
  if (doc.maximum) return text(" <= ", number_text(*doc.maximum));
  return "";
}

std::string singular(const OptionDoc& doc) {
  switch (doc.type) {
    case OptionType::Bool:
      return "true or false";
    case OptionType::Integer:
      return text(doc.odd ? "an odd integer" : "an integer", bounds(doc));
    case OptionType::Number:
      return text("a number", bounds(doc));
    case OptionType::Text:
      return doc.choices.empty() ? "text" : text("one of ", join(doc.choices));
    case OptionType::Group:
      return "an object";
    case OptionType::Component:
      return text(
          doc.component_kind == "adapter" || doc.component_kind == "inferer" || doc.component_kind == "optimizer"
              ? "an "
              : "a ",
          doc.component_kind, ": its name or {\"type\": name, ...}");
    default:
      return "any value";
  }
}

std::string plural(const OptionDoc& doc) {
  const std::string count = doc.length ? text("a list of ", *doc.length, " ") : "a list of ";
  switch (doc.type) {
    case OptionType::IntegerList:
      return text(count, doc.odd ? "odd integers" : "integers", bounds(doc));
    case OptionType::NumberList:
      return text(count, "numbers", bounds(doc));
    case OptionType::TextList:
      return doc.choices.empty() ? text(count, "texts") : text(count, "texts out of ", join(doc.choices));
    case OptionType::IntegerTable:
      return text("a list of lists of ", doc.odd ? "odd integers" : "integers", bounds(doc));
    case OptionType::ComponentList:
      return text("a list of components of the kind ", doc.component_kind);
    default:
      return "";
  }
}

std::string escaped(std::string cell) {
  for (size_t at = cell.find('|'); at != std::string::npos; at = cell.find('|', at + 2)) cell.replace(at, 1, "\\|");
  return cell;
}

std::string default_text(const OptionDoc& doc) {
  if (doc.required) return "required";
  if (!doc.default_value.is_null()) return "`" + doc.default_value.dump() + "`";
  return doc.optional ? "`null`" : "none";
}

void add_rows(const std::vector<OptionDoc>& docs, const std::string& prefix, std::string& table) {
  for (const auto& doc : docs) {
    const std::string name = prefix + doc.name;
    if (doc.type == OptionType::Group) {
      add_rows(doc.members, name + ".", table);
      continue;
    }
    table += text("| `", name, "` | ", escaped(expectation(doc)), " | ", escaped(default_text(doc)), " | ",
                  escaped(doc.help), " |\n");
  }
}

json schema_of_object(const std::vector<OptionDoc>& docs);

json number_schema(const OptionDoc& doc, const char* type) {
  json schema{{"type", type}};
  if (doc.minimum) schema["minimum"] = *doc.minimum;
  if (doc.maximum) schema["maximum"] = *doc.maximum;
  if (doc.odd) schema["not"] = {{"multipleOf", 2}};
  return schema;
}

json text_schema(const OptionDoc& doc) {
  json schema{{"type", "string"}};
  if (!doc.choices.empty()) schema["enum"] = doc.choices;
  return schema;
}

json list_schema(const OptionDoc& doc, json items) {
  json schema{{"type", "array"}, {"items", std::move(items)}};
  if (doc.length) schema["minItems"] = schema["maxItems"] = *doc.length;
  return schema;
}

json component_schema() {
  const json object{{"type", "object"}, {"required", {"type"}}, {"properties", {{"type", {{"type", "string"}}}}}};
  return {{"anyOf", {{{"type", "string"}}, object}}};
}

json schema_of_type(const OptionDoc& doc) {
  switch (doc.type) {
    case OptionType::Bool:
      return {{"type", "boolean"}};
    case OptionType::Integer:
      return number_schema(doc, "integer");
    case OptionType::Number:
      return number_schema(doc, "number");
    case OptionType::Text:
      return text_schema(doc);
    case OptionType::IntegerList:
      return list_schema(doc, number_schema(doc, "integer"));
    case OptionType::NumberList:
      return list_schema(doc, number_schema(doc, "number"));
    case OptionType::TextList:
      return list_schema(doc, text_schema(doc));
    case OptionType::IntegerTable:
      return list_schema(doc, json{{"type", "array"}, {"items", number_schema(doc, "integer")}});
    case OptionType::Group:
      return schema_of_object(doc.members);
    case OptionType::Component:
      return component_schema();
    case OptionType::ComponentList:
      return list_schema(doc, component_schema());
    case OptionType::Any:
      break;
  }
  return json::object();
}

json schema_of(const OptionDoc& doc) {
  json schema = schema_of_type(doc);
  // A component may be null where none is needed; so may an optional value.
  if (doc.optional || doc.type == OptionType::Component) schema = {{"anyOf", {std::move(schema), {{"type", "null"}}}}};
  schema["description"] = doc.help;
  if (!doc.required && !doc.default_value.is_null()) schema["default"] = doc.default_value.json().value;
  return schema;
}

json schema_of_object(const std::vector<OptionDoc>& docs) {
  json properties = json::object(), required = json::array();
  for (const auto& doc : docs) {
    properties[doc.name] = schema_of(doc);
    if (doc.required) required.push_back(doc.name);
  }
  json schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

std::string expectation(const OptionDoc& doc) {
  const std::string many = plural(doc);
  return text(many.empty() ? singular(doc) : many, doc.optional ? " or null" : "");
}

std::string markdown_table(const std::vector<OptionDoc>& docs) {
  if (docs.empty()) return "No options.\n";
  std::string table = "| option | type | default | meaning |\n| --- | --- | --- | --- |\n";
  add_rows(docs, "", table);
  return table;
}

ConfigNode json_schema(const std::vector<OptionDoc>& docs) {
  json schema = schema_of_object(docs);
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  return make_node(std::move(schema));
}

}  // namespace lamina
