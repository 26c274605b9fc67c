// Required sections and default types.
#include "engine/experiment/check.hpp"

#include "engine/experiment/options.hpp"
#include "engine/experiment/path.hpp"

#include <utility>

namespace lamina::engine {

namespace {

/// The value at a path of plain words; null where there is none. Node: Traced or const Traced.
template <class Node>
Node* find(Node& root, const std::string& path) {
  Node* at = &root;
  for (const PathStep& step : parse_path(path)) {
    if (!at->has(step.key)) return nullptr;
    at = &at->members.at(step.key);
  }
  return at;
}

void require(const Traced& root, const std::string& path, const std::string& example, OptionErrors& errors) {
  const Traced* found = find(root, path);
  const bool given = found != nullptr && !(found->form == Traced::Form::Leaf && found->leaf.is_null());
  if (!given) errors.add(path, "is required; for example " + example);
}

}  // namespace

void check_sections(const Traced& root, OptionErrors& errors) {
  require(root, "dataset", R"({"type": "phantom"})", errors);
  require(root, "model.encoder", R"({"type": "unet_encoder"})", errors);
  require(root, "model.decoder", R"({"type": "unet"})", errors);
  require(root, "loss", R"({"type": "dice_ce"})", errors);
}

void fill_default_types(Traced& root) {
  const ExperimentOptions defaults;
  const std::pair<const char*, const ConfigNode*> slots[] = {{"model.prompter", &defaults.model.prompter},
                                                             {"infer", &defaults.infer},
                                                             {"train.optimizer", &defaults.train.optimizer},
                                                             {"train.schedule", &defaults.train.schedule}};
  for (const auto& [path, entry] : slots) {
    Traced* found = find(root, path);
    if (found == nullptr || !found->is_object() || found->has("type")) continue;
    found->members["type"] = Traced::from(entry->at("type"), found->origin);
  }
}

}  // namespace lamina::engine
