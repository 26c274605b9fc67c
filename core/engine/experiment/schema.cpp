// JSON Schema of experiment and study files: the sections' options, and every component's behind its `type`.
#include "engine/experiment/inspect.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>

#include <options/json_access.hpp>

#include <map>

namespace lamina::engine {

namespace {

using nlohmann::json;

json reference(const std::string& kind) { return {{"$ref", "#/definitions/" + kind}}; }

/// A list in a file is a list, or an edit of the inherited one.
json list_of(const json& items) {
  const json list{{"type", "array"}, {"items", items}};
  const json names{{"type", "array"}, {"items", {{"type", "string"}}}};
  const json edit{{"type", "object"},
                  {"properties", {{"$append", list}, {"$prepend", list}, {"$remove", names}}},
                  {"additionalProperties", false},
                  {"minProperties", 1}};
  return {{"anyOf", {list, edit}}};
}

/// The base's schema of these options, with references to the kinds' definitions in the place of components. A file may
/// leave out what it inherits, so nothing is required here.
json object_schema(const std::vector<OptionDoc>& docs) {
  json schema = json_schema(docs).json().value;
  schema.erase("$schema");
  schema.erase("required");
  for (const OptionDoc& doc : docs) {
    json& property = schema["properties"][doc.name];
    json better = property;
    if (doc.type == OptionType::Group) better = object_schema(doc.members);
    if (doc.type == OptionType::Component) better = reference(doc.component_kind);
    if (doc.type == OptionType::ComponentList) better = list_of(reference(doc.component_kind));
    if (doc.type == OptionType::TextList) better = list_of({{"type", "string"}});
    // Draft 7 ignores what stands beside a $ref.
    if (better.contains("$ref")) better = {{"allOf", {better}}};
    better["description"] = doc.help;
    property = better;
  }
  return schema;
}

json component_schema(const ComponentInfo& info, const Registry& registry) {
  json schema = object_schema(registry.find(info.kind, info.name, "schema").describe());
  schema["description"] = info.summary;
  schema["required"] = {"type"};
  schema["properties"]["type"] = {{"const", info.name}};
  schema["properties"]["id"] = {{"type", "string"}, {"description", "Name of this entry in dotted paths"}};
  if (info.kind == "adapter") {
    schema["properties"]["at"] = {
        {"type", "array"}, {"items", {{"type", "string"}}}, {"description", "Globs over sites"}};
  }
  return schema;
}

json definitions(const Registry& registry) {
  json all = json::object();
  for (const ComponentInfo& info : registry.list()) {
    json& kind = all[info.kind];
    if (kind.is_null()) kind = {{"anyOf", json::array({{{"enum", json::array()}}})}};
    try {
      kind["anyOf"].push_back(component_schema(info, registry));
      kind["anyOf"][0]["enum"].push_back(info.name);  // the short form: only the name
    } catch (const PluginError& problem) {
      log_warning(info.kind + " " + info.name + " is missing from the schema: " + problem.what());
    }
  }
  return all;
}

/// The head of a file's schema, and `base`, which any file may have.
json file_schema(const std::vector<OptionDoc>& docs, const std::string& title) {
  json schema = object_schema(docs);
  schema["title"] = title;
  const json name{{"type", "string"}};
  schema["properties"]["base"] = {{"anyOf", {name, json{{"type", "array"}, {"items", name}}}},
                                  {"description", "Files that this one is merged onto, left to right"}};
  return schema;
}

json experiment_schema() {
  json schema = file_schema(describe_options<ExperimentOptions>(), "lamina experiment");
  schema["properties"]["weights"] = list_of(object_schema(describe_options<WeightsEntry>()));
  schema["properties"]["weights"]["description"] = "Pretrained weights";
  schema["anyOf"] = {{{"required", {"base"}}}, {{"required", {"dataset", "model", "train", "loss"}}}};
  return schema;
}

constexpr const char* kDraft = "http://json-schema.org/draft-07/schema#";

}  // namespace

ConfigNode config_schema(const Registry& registry) {
  json schema = experiment_schema();
  schema["$schema"] = kDraft;
  schema["definitions"] = definitions(registry);
  return make_node(std::move(schema));
}

ConfigNode study_schema(const StudyDocs& docs, const Registry& registry) {
  json schema = file_schema(docs.study, "lamina study");
  schema["$schema"] = kDraft;
  schema["definitions"] = definitions(registry);
  schema["definitions"]["experiment"] = experiment_schema();
  const json settings{{"type", "object"}};
  json arm = object_schema(docs.arm), axis = object_schema(docs.axis);
  arm["required"] = {"name"};
  arm["properties"]["set"].update(settings);
  axis["properties"]["values"]["type"] = "array";
  axis["properties"]["levels"].update(json{{"type", "object"}, {"additionalProperties", settings}});
  axis["oneOf"] = {{{"required", {"path", "values"}}}, {{"required", {"levels"}}}};
  json& properties = schema["properties"];
  properties["set"].update(settings);
  properties["baseline"]["anyOf"] = {json{{"type", "string"}}, reference("experiment")};
  properties["arms"].update(list_of(arm));
  properties["axes"].update(json{{"type", "object"}, {"additionalProperties", axis}});
  schema["anyOf"] = {{{"required", {"base"}}}, {{"required", {"baseline"}}}};
  return make_node(std::move(schema));
}

}  // namespace lamina::engine
