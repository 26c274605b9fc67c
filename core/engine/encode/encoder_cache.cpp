#include "engine/encode/encoder_cache.hpp"

#include "engine/experiment/sha256.hpp"
#include "engine/weights/state_hash.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>
#include <lamina/model/weights.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include <dlfcn.h>

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/nn/module.h>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

constexpr double kGiB = 1024.0 * 1024 * 1024;

/// Ids of the adapters with units in the encoder.
std::set<std::string> inner_adapters(const Model& model) {
  std::set<std::string> ids;
  for (const auto& use : model.site_uses()) {
    if (use.path.starts_with("encoder.")) ids.insert(use.adapters.begin(), use.adapters.end());
  }
  return ids;
}

/// Whether a parameter or buffer of the model takes part in encoding: the encoder's own, and of its adapters what does
/// not sit in prompter or decoder.
bool encodes(const std::string& name, const std::set<std::string>& adapters) {
  if (name.starts_with("encoder.")) return true;
  return std::ranges::any_of(adapters, [&](const std::string& id) {
    const std::string prefix = "adapters." + id + ".";
    if (!name.starts_with(prefix)) return false;
    const std::string rest = name.substr(prefix.size());
    return !rest.starts_with("prompter/") && !rest.starts_with("decoder/");
  });
}

std::string training_part(const Model& model) {
  const auto adapters = inner_adapters(model);
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad() && encodes(item.key(), adapters)) return item.key();
  }
  return {};
}

/// An adapter that says of itself that it must run once per forward.
std::string stateful_site(const Model& model) {
  const auto& encoder = model.encoder();
  for (SiteId id = 0; id < encoder.sites().size(); ++id) {
    for (const SiteHook* hook : encoder.hooks(id)) {
      if (!hook->repeatable()) return "encoder." + encoder.sites()[id].path;
    }
  }
  return {};
}

std::string names_of_steps(const std::vector<ConfigNode>& steps) {
  std::vector<std::string> names;
  for (const auto& step : steps) names.push_back(as_entry(step).text_or("type", "?"));
  return join(names);
}

/// What the library or plugin that holds this address consists of.
std::string code_at(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  return fs::is_regular_file(info.dli_fname, ignored) ? sha256_of_file(info.dli_fname) : "";
}

/// Version and code of a component.
ConfigNode code_of(const std::string& kind, const ConfigNode& entry, const Registry& registry) {
  const ComponentInfo& info = registry.find(kind, entry.text_or("type", ""), "model").info;
  ConfigNode node = ConfigNode::object();
  node.set("entry", entry);
  node.set("version", info.version);
  node.set("plugin", info.file.empty() ? "" : sha256_of_file(info.file));
  return node;
}

/// Everything that decides the bits of a feature, in one hash: weights, options, and the very code that computes it.
std::string identity_of(const Experiment& experiment, const Model& model, const Registry& registry) {
  const ConfigNode section = experiment.resolved().at("model");
  const auto adapters = inner_adapters(model);
  ConfigNode identity = ConfigNode::object(), list = ConfigNode::array();
  for (size_t i = 0; i < section.at("adapters").size(); ++i) {
    const ConfigNode entry = section.at("adapters").at(i);
    if (adapters.contains(entry.text_or("id", entry.text_or("type", ""))))
      list.push_back(code_of("adapter", entry, registry));
  }
  StateDict state;
  for (const auto& [name, tensor] : state_of(model)) {
    if (encodes(name, adapters)) state[name] = tensor;
  }
  const auto parameters = model.parameters();
  const bool cuda = !parameters.empty() && parameters.front().is_cuda();
  identity.set("encoder", code_of("backbone", section.at("encoder"), registry));
  identity.set("adapters", list);
  identity.set("weights", state_hash(state));
  identity.set("features", join(model.wanted(), " "));
  identity.set("patch", join(experiment.patch(), "x"));
  identity.set("amp", experiment.options().train.amp);
  identity.set("device",
               cuda ? "cuda" : text("cpu ", at::get_cpu_capability(), " ", at::get_num_threads(), " threads"));
  identity.set("blocks", code_at(reinterpret_cast<const void*>(&grid_site)));  // lamina's network blocks
  identity.set("torch", LAMINA_TORCH_VERSION);
  return sha256(identity.dump());
}

int64_t positions(const Size3& extent, const Size3& patch) {
  int64_t count = 1;
  for (size_t axis = 0; axis < 3; ++axis) count *= std::max<int64_t>(1, extent[axis] - patch[axis] + 1);
  return count;
}

/// Bytes of one patch's features, in float32.
int64_t bytes_of_patch(const Model& model, const Size3& patch, size_t streams) {
  int64_t values = 0;
  for (const auto& spec : model.features()) {
    if (!model.wanted().contains(spec.name)) continue;
    int64_t cells = spec.channels;
    for (size_t axis = 0; axis < 3; ++axis) {
      cells *= static_cast<int64_t>(std::ceil(static_cast<double>(patch[axis]) / spec.stride[axis]));
    }
    values += cells;
  }
  return 4 * values * static_cast<int64_t>(streams);
}

std::string size_in_words(const CachePlan& plan) {
  return text(plan.patches, " different training patches, about ", human_bytes(plan.bytes));
}

/// Why "auto" keeps nothing; empty: it does.
std::string not_worthwhile(const CachePlan& plan) {
  if (plan.samples >= plan.patches) return {};
  return text("patches hardly come again: ", plan.samples, " are drawn from ", plan.patches, " different ones");
}

std::string lack_of_room(const CachePlan& plan, const fs::path& root, int64_t limit) {
  if (plan.bytes > limit) {
    return text("the features of ", size_in_words(plan), ", do not fit into runtime.encoder_cache_gib (",
                human_bytes(limit), ")");
  }
  std::error_code unknown;
  const auto free = static_cast<int64_t>(fs::space(root.parent_path(), unknown).available);
  if (unknown || plan.bytes <= free) return {};
  return text("the features of ", size_in_words(plan), ", do not fit on the disk of ", root.parent_path().string(),
              " (", human_bytes(free), " free)");
}

}  // namespace

std::string encoder_cache_obstacle(const Experiment& experiment, const Model& model) {
  if (const std::string name = training_part(model); !name.empty()) return text("'", name, "' trains");
  if (const std::string site = stateful_site(model); !site.empty())
    return text("the adapter at ", site, " keeps a state from one forward to the next");
  const auto& augment = experiment.options().augment;
  if (!augment.empty()) return text("augment (", names_of_steps(augment), ") makes every patch a new one");
  return {};
}

void require_encoder_cache(const Experiment& experiment, const Model& model) {
  if (experiment.options().runtime.encoder_cache != "on") return;
  const std::string obstacle = encoder_cache_obstacle(experiment, model);
  if (obstacle.empty()) return;
  throw ConfigError(text("runtime.encoder_cache: on is not possible, because ", obstacle,
                         "; \"auto\" keeps features where that is possible"));
}

CachePlan plan_encoder_cache(const Experiment& experiment, const Model& model, const PreparedDataset& data) {
  const auto& train = experiment.options().train;
  CachePlan plan;
  size_t streams = 1;
  for (const auto& id : data.dataset().ids(Split::Train)) {
    const auto& images = data.load(id).content.images;
    plan.patches += positions(images.primary().size(), experiment.patch());
    streams = images.size();
  }
  plan.samples = train.epochs * train.iterations * train.accumulate * train.batch;
  plan.bytes = plan.patches * bytes_of_patch(model, experiment.patch(), streams);
  return plan;
}

std::unique_ptr<RowEncoder> row_encoder(const Experiment& experiment, const Model& model, const PreparedDataset& data,
                                        const Registry& registry) {
  require_encoder_cache(experiment, model);
  const auto& runtime = experiment.options().runtime;
  const bool frozen = training_part(model).empty();
  const auto without = [&](const std::string& why, bool by_row) -> std::unique_ptr<RowEncoder> {
    if (frozen) log_info(text("encoder cache: not used: ", why));
    return by_row ? std::make_unique<RowEncoder>(nullptr) : nullptr;
  };
  if (const std::string obstacle = encoder_cache_obstacle(experiment, model); !obstacle.empty())
    return without(obstacle, false);
  // On the CPU results are the same bits with and without a cache; a GPU is better used by whole batches.
  const bool by_row = model.parameters().empty() || model.parameters().front().is_cpu();
  if (runtime.encoder_cache == "off") return without("runtime.encoder_cache is off", by_row);
  const CachePlan plan = plan_encoder_cache(experiment, model, data);
  const auto limit = static_cast<int64_t>(runtime.encoder_cache_gib * kGiB);
  const fs::path root = data.folder().parent_path() / "encoder";
  const std::string lack = lack_of_room(plan, root, limit);
  if (!lack.empty() && runtime.encoder_cache == "on")
    throw ConfigError(text("runtime.encoder_cache: on is not possible, because ", lack));
  if (!lack.empty()) return without(lack, by_row);
  if (const std::string why = not_worthwhile(plan); !why.empty() && runtime.encoder_cache == "auto")
    return without(why + "; runtime.encoder_cache: on keeps them all the same", by_row);
  auto cache = std::make_unique<FeatureCache>(root, identity_of(experiment, model, registry), limit, plan.bytes);
  log_info(text("encoder cache: the frozen encoder's features of ", size_in_words(plan),
                ", and those of validation windows on top, are kept in ", cache->folder().string(), " (",
                human_bytes(cache->bytes()), " there already)"));
  return std::make_unique<RowEncoder>(std::move(cache));
}

}  // namespace lamina::engine
