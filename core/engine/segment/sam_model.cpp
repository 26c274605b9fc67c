#include "engine/segment/sam_model.hpp"

#include "engine/weights/pretrained.hpp"
#include "engine/weights/state_hash.hpp"
#include "engine/weights/weights_kind.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/weights.hpp>

#include <algorithm>
#include <filesystem>

#include <torch/utils.h>

namespace lamina::engine {
namespace {

struct NamedSam {
  const char *name, *encoder, *variant;  // as kind_of() calls its weights
};

constexpr NamedSam kModels[] = {
    {"sam_vit_b", R"({"type": "sam_vit", "size": "base"})", "SAM ViT-B"},
    {"sam_vit_l", R"({"type": "sam_vit", "size": "large"})", "SAM ViT-L"},
    {"sam_vit_h", R"({"type": "sam_vit", "size": "huge"})", "SAM ViT-H"},
    {"mobile_sam", R"({"type": "mobile_sam"})", "MobileSAM"},
};

ConfigNode section_of(const std::string& model) {
  ConfigNode section = ConfigNode::object();
  const auto* known =
      std::find_if(std::begin(kModels), std::end(kModels), [&](const auto& one) { return model == one.name; });
  if (known != std::end(kModels)) {
    section.set("encoder", ConfigNode::parse(known->encoder));
    section.set("decoder", ConfigNode::parse(R"({"type": "sam_mask"})"));
  } else if (std::filesystem::is_regular_file(model)) {
    section = ConfigNode::parse(read_file(model), model);
  } else {
    throw ConfigError(text("there is no model '", model, "'", did_you_mean(model, sam_models()), "; expected ",
                           join(sam_models()), ", or a JSON file with encoder and decoder"));
  }
  section.set("prompter", ConfigNode::parse(R"({"type": "given"})"));
  return section;
}

std::string model_in(const WeightsKind& kind, const std::string& file) {
  for (const auto& one : kModels) {
    if (kind.variant.starts_with(one.variant)) return one.name;
  }
  throw ConfigError(text(file, " holds ", kind.variant, ", which names none of ", join(sam_models()),
                         "; give --model, a name or a JSON file with encoder and decoder"));
}

}  // namespace

std::vector<std::string> sam_models() {
  std::vector<std::string> names;
  for (const auto& one : kModels) names.emplace_back(one.name);
  return names;
}

SamChoice settled(SamChoice choice) {
  if (choice.weights.empty() && !choice.seed) {
    throw ConfigError(
        "there are no weights: give --weights FILE (SAM's own .pth files load as they are), or --seed N for random "
        "values, which show shapes but no sense");
  }
  const bool open = choice.model.empty() || choice.map.empty();
  if (!choice.weights.empty() && open) {
    const WeightsKind kind = kind_of(list_weights_file(choice.weights));
    if (choice.model.empty()) choice.model = model_in(kind, choice.weights);
    if (choice.map.empty()) choice.map = kind.map;
  }
  if (choice.model.empty()) choice.model = kModels[0].name;
  return choice;
}

std::shared_ptr<Model> open_sam(const SamChoice& wanted, const Registry& registry) {
  const SamChoice choice = settled(wanted);
  torch::manual_seed(choice.seed.value_or(0));
  ModelSetup setup;
  setup.image_channels = 3;
  setup.classes = 2;
  setup.patch = {1, choice.square, choice.square};
  auto model = Model::build(registry, section_of(choice.model), setup);
  if (choice.weights.empty()) {
    log_warning(text("random weights (seed ", *choice.seed, "): masks have shapes, but no sense"));
  } else {
    WeightsEntry entry;
    entry.file = choice.weights;
    entry.map = choice.map;
    load_pretrained(*model, entry, {});
  }
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(false);
  model->to(choice.device);
  model->set_mode(Mode::Infer);
  return model;
}

std::string weights_hash(const Model& model) { return state_hash(state_of(model)); }

}  // namespace lamina::engine
