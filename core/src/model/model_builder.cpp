// Builds a model in the order encoder, its adapters, settle, prompter, decoder, their adapters.
#include "model/model_builder.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/glob.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

#include <torch/nn/module.h>

namespace lamina {
namespace {

const char* prompt_name(PromptKind kind) {
  switch (kind) {
    case PromptKind::Points:
      return "points";
    case PromptKind::Boxes:
      return "boxes";
    case PromptKind::Masks:
      return "masks";
    case PromptKind::Sparse:
      return "sparse embeddings";
    case PromptKind::Dense:
      return "dense embeddings";
    case PromptKind::ClassTokens:
      return "class tokens";
    case PromptKind::Guidance:
      return "guidance";
  }
  return "unknown prompts";
}

const char* prefix_of(Room room) {
  return room == Room::Encoder ? "encoder." : room == Room::Prompter ? "prompter." : "decoder.";
}

// "encoder.stages.3.output" -> "encoder.stages.*.output": sites of one family look alike in messages.
std::string family_of(const std::string& path) {
  std::vector<std::string> parts = split(path, '.');
  for (auto& part : parts) {
    if (!part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; })) part = "*";
  }
  return join(parts, ".");
}

std::vector<std::string> families(const std::vector<std::string>& paths) {
  std::vector<std::string> result;
  for (const auto& path : paths) {
    const std::string family = family_of(path);
    if (std::find(result.begin(), result.end(), family) == result.end()) result.push_back(family);
  }
  return result;
}

std::vector<std::string> names_of(const std::vector<FeatureSpec>& specs) {
  std::vector<std::string> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  return names;
}

std::vector<std::string> read_globs(const ConfigNode& at, const std::string& where) {
  std::vector<std::string> globs;
  if (at.is_string()) globs.push_back(at.as_text());
  for (size_t i = 0; at.is_array() && i < at.size(); ++i) {
    if (!at.at(i).is_string())
      throw ConfigError(text(where, ".at[", i, "]: got ", at.at(i).type_name(), ", expected a site glob"));
    globs.push_back(at.at(i).as_text());
  }
  if (globs.empty())
    throw ConfigError(
        text(where, ".at: expected one site glob or a list of them; leave it out for the adapter's default"));
  return globs;
}

// Dots separate the segments of parameter names, so a site is one segment with '/' for its dots.
std::string as_segment(std::string path) {
  std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

}  // namespace

Model::Builder::Builder(const Registry& registry, const ConfigNode& section, const ModelSetup& setup)
    : registry_(registry), section_(section), model_(new Model) {
  model_->setup_ = setup;
}

std::shared_ptr<Model> Model::Builder::run() {
  make_encoder();
  make_adapters();
  attach(Room::Encoder, *model_->encoder_, {Room::Encoder, {}, {}});
  settle();
  make_prompter();
  make_decoder();
  const PromptSpec prompts = model_->prompter_->produces();
  attach(Room::Prompter, *model_->prompter_, {Room::Prompter, features_, prompts});
  attach(Room::Decoder, *model_->decoder_, {Room::Decoder, features_, prompts});
  check_globs();
  want(model_->prompter_->needs(), "model.prompter");
  want(model_->decoder_->needs(), "model.decoder");
  return model_;
}

ConfigNode Model::Builder::entry(const std::string& key, const char* otherwise) const {
  const bool given = section_.is_object() && section_.contains(key) && !section_.at(key).is_null();
  if (given) return as_entry(section_.at(key));
  if (*otherwise == '\0')
    throw ConfigError(text("model.", key, ": missing; expected a component like {\"type\": \"...\"}"));
  ConfigNode node = ConfigNode::object();
  node.set("type", otherwise);
  return node;
}

void Model::Builder::make_encoder() {
  const ModelSetup& setup = model_->setup_;
  const BackboneContext context{setup.image_channels, setup.patch};
  model_->encoder_ = registry_.create<Backbone>(entry("encoder", ""), "model.encoder", context);
  model_->register_module("encoder", model_->encoder_);
}

AdapterEntry Model::Builder::read_adapter(const ConfigNode& node, size_t index) const {
  const ConfigNode full = as_entry(node);
  AdapterEntry result;
  result.id = full.text_or("id", full.text_or("type", ""));
  result.where = text("model.adapters[", result.id.empty() ? std::to_string(index) : result.id, "]");
  if (result.id.find_first_of("./[]* ") != std::string::npos) {
    throw ConfigError(
        text(result.where, ".id: '", result.id, "' must be one word without dots, slashes, brackets or stars"));
  }
  for (const auto& other : entries_) {
    if (other.id != result.id) continue;
    throw ConfigError(text("model.adapters[", index, "].id: '", result.id,
                           "' is taken by an earlier adapter; give each entry an \"id\" of its own"));
  }
  const AdapterContext context{model_->setup_.patch, model_->setup_.classes};
  result.adapter = registry_.create<Adapter>(full, result.where, context);
  result.by_default = !full.contains("at") || full.at("at").is_null();
  result.globs = result.by_default ? result.adapter->default_sites() : read_globs(full.at("at"), result.where);
  result.matches.assign(result.globs.size(), 0);
  return result;
}

void Model::Builder::make_adapters() {
  adapter_room_ = model_->register_module("adapters", std::make_shared<torch::nn::Module>("adapters"));
  if (!section_.contains("adapters")) return;
  const ConfigNode list = section_.at("adapters");
  if (!list.is_array()) throw ConfigError(text("model.adapters: got ", list.type_name(), ", expected a list"));
  for (size_t i = 0; i < list.size(); ++i) {
    entries_.push_back(read_adapter(list.at(i), i));
    adapter_room_->register_module(entries_.back().id, entries_.back().adapter);
    model_->adapters_.push_back(entries_.back().adapter);
  }
}

void Model::Builder::attach(Room room, SiteHost& host, const HostInfo& info) {
  std::vector<std::string> paths;
  for (const auto& site : host.sites()) paths.push_back(prefix_of(room) + site.path);
  site_paths_.insert(site_paths_.end(), paths.begin(), paths.end());
  for (auto& entry : entries_) {
    std::vector<Glob> globs(entry.globs.begin(), entry.globs.end());
    for (SiteId id = 0; id < paths.size(); ++id) {
      bool chosen = false;
      for (size_t g = 0; g < globs.size(); ++g) {
        if (!globs[g].matches(paths[id])) continue;
        ++entry.matches[g];
        chosen = true;
      }
      if (chosen) attach_one(entry, paths[id], id, host, info);
    }
  }
}

void Model::Builder::attach_one(AdapterEntry& entry, const std::string& path, SiteId id, SiteHost& host,
                                const HostInfo& info) {
  std::shared_ptr<AdapterUnit> unit;
  try {
    unit = entry.adapter->attach(host.sites()[id], info);
  } catch (const ConfigError& error) {
    throw ConfigError(text(entry.where, " cannot sit at ", path, ": ", error.what()));
  }
  if (!unit) throw Error(text(entry.where, " made no unit for ", path));
  entry.adapter->register_module(as_segment(path), unit);
  host.attach(id, *unit);
}

void Model::Builder::settle() {
  const ModelSetup& setup = model_->setup_;
  Shape shape{setup.image_channels, setup.patch};
  const auto& sites = model_->encoder_->sites();
  for (SiteId id = 0; id < sites.size(); ++id) {
    if (sites[id].path == "image") shape = model_->encoder_->shape_after(id, shape);
  }
  model_->encoder_->settle(shape);
  features_ = model_->encoder_->features();
}

void Model::Builder::make_prompter() {
  const ModelSetup& setup = model_->setup_;
  const PrompterContext context{features_, setup.classes, setup.image_channels, setup.patch};
  model_->prompter_ = registry_.create<Prompter>(entry("prompter", "none"), "model.prompter", context);
  model_->register_module("prompter", model_->prompter_);
}

void Model::Builder::make_decoder() {
  const ModelSetup& setup = model_->setup_;
  const PromptSpec prompts = model_->prompter_->produces();
  const DecoderContext context{features_, prompts, setup.classes, setup.patch};
  model_->decoder_ = registry_.create<Decoder>(entry("decoder", ""), "model.decoder", context);
  model_->register_module("decoder", model_->decoder_);
  const PromptKinds taken = model_->decoder_->accepts();
  std::vector<std::string> refused, known;
  for (const PromptKind kind : prompts.kinds) {
    if (!taken.contains(kind)) refused.emplace_back(prompt_name(kind));
  }
  if (refused.empty()) return;
  for (const PromptKind kind : taken) known.emplace_back(prompt_name(kind));
  throw ConfigError(text("model.decoder: '", entry("decoder", "").text_or("type", ""), "' does not take the ",
                         join(refused), " that the prompter '", entry("prompter", "none").text_or("type", ""),
                         "' makes; it takes ", known.empty() ? "no prompts, so use the prompter 'none'" : join(known)));
}

void Model::Builder::check_globs() const {
  const std::vector<std::string> known = families(site_paths_);
  const std::string sites = known.empty() ? "this model has no sites" : "there are: " + join(known);
  for (const auto& entry : entries_) {
    const bool any = std::any_of(entry.matches.begin(), entry.matches.end(), [](int64_t count) { return count > 0; });
    if (entry.by_default) {
      if (any) continue;
      throw ConfigError(text(entry.where, ".at: none of the adapter's default sites (", join(entry.globs),
                             ") exists in this model; ", sites));
    }
    for (size_t g = 0; g < entry.globs.size(); ++g) {
      if (entry.matches[g] > 0) continue;
      throw ConfigError(text(entry.where, ".at[", g, "]: '", entry.globs[g], "' matches no site",
                             did_you_mean(family_of(entry.globs[g]), known), "; ", sites));
    }
  }
}

void Model::Builder::want(const std::vector<std::string>& globs, const std::string& who) {
  const std::vector<std::string> names = names_of(features_);
  for (const auto& pattern : globs) {
    const Glob glob(pattern);
    bool found = false;
    for (const auto& name : names) {
      if (!glob.matches(name)) continue;
      model_->wanted_.insert(name);
      found = true;
    }
    if (found) continue;
    throw ConfigError(text(who, ": needs the feature '", pattern, "', which the encoder does not offer",
                           did_you_mean(pattern, names), "; it offers: ", names.empty() ? "none" : join(names)));
  }
}

}  // namespace lamina
