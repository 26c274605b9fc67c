// Fills a model from a file of pretrained weights, with a full account.
#include "engine/weights/pretrained.hpp"

#include "engine/weights/name_map.hpp"
#include "engine/weights/weights_file.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/glob.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace lamina::engine {
namespace {

constexpr const char* kEncoder = "encoder.";
/// Maps of files that hold SAM's own decoder.
constexpr const char* kMapsOfSam[] = {"sam", "hf_sam", "sam_hq", "mobile_sam"};

/// Takes the names that `skip` matches out of the file; returns every name, of file or model, that it matches.
std::set<std::string> leave_out(StateDict& state, const StateDict& model, const WeightsEntry& entry) {
  std::set<std::string> skipped;
  for (const auto& pattern : entry.skip) {
    const Glob glob(pattern);
    const size_t before = skipped.size();
    for (const StateDict* names : {&std::as_const(state), &model}) {
      for (const auto& [name, tensor] : *names) {
        if (glob.matches(name)) skipped.insert(name);
      }
    }
    if (skipped.size() > before) continue;
    throw ConfigError(text("weights: skip '", pattern, "' names nothing more in ", entry.file,
                           " or the model; `lamina weights names` lists the model's names"));
  }
  std::erase_if(state, [&](const auto& item) { return skipped.contains(item.first); });
  return skipped;
}

/// Lets the encoder fit its tensors, e.g. resize position tables; names what it changed.
std::vector<std::string> fit_encoder(const Model& model, StateDict& state) {
  std::vector<std::string> resized;
  const StateDict fitted = model.encoder().fit_weights(behind(kEncoder, state));
  std::erase_if(state, [&](const auto& item) {
    return item.first.starts_with(kEncoder) && !fitted.contains(item.first.substr(std::string(kEncoder).size()));
  });
  for (const auto& [name, tensor] : fitted) {
    const std::string full = kEncoder + name;
    const auto before = state.find(full);
    if (before != state.end() && before->second.sizes() != tensor.sizes()) resized.push_back(full);
    state[full] = tensor;
  }
  return resized;
}

/// Parameters without a value count only in rooms that the file speaks of.
std::vector<std::string> missing_in_rooms(const LoadReport& report, const StateDict& state,
                                          const std::set<std::string>& skipped) {
  std::set<std::string> rooms;
  for (const auto& [name, tensor] : state) rooms.insert(split(name, '.').front());
  std::vector<std::string> missing;
  for (const auto& name : report.missing) {
    if (rooms.contains(split(name, '.').front()) && !skipped.contains(name)) missing.push_back(name);
  }
  return missing;
}

/// Names whose shapes differ between file and model.
std::vector<std::string> misfits(const StateDict& model, const StateDict& state) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) {
    const auto found = model.find(name);
    if (found != model.end() && found->second.sizes() != tensor.sizes()) names.push_back(name);
  }
  return names;
}

/// The classes of the file, where every misfit is one row per class (with or without background or "no object") of
/// the decoder, and all tell the same number.
std::optional<int64_t> classes_of_file(const StateDict& model, const StateDict& state,
                                       const std::vector<std::string>& names, int64_t classes) {
  std::set<int64_t> counts;
  for (const auto& name : names) {
    const torch::Tensor &ours = model.at(name), &theirs = state.at(name);
    if (!name.starts_with("decoder.") || ours.dim() == 0 || ours.dim() != theirs.dim()) return {};
    if (ours.sizes().slice(1) != theirs.sizes().slice(1) || std::abs(ours.size(0) - classes) > 1) return {};
    counts.insert(classes + theirs.size(0) - ours.size(0));
  }
  return counts.size() == 1 ? std::optional(*counts.begin()) : std::nullopt;
}

void require_shapes(const Model& model, const StateDict& own, const StateDict& state, const WeightsEntry& entry) {
  const auto names = misfits(own, state);
  if (names.empty()) return;
  const int64_t classes = model.setup().classes;
  const bool foreign = std::ranges::any_of(kMapsOfSam, [&](const std::string& map) { return map == entry.map; });
  // SAM's mask tokens are no classes.
  if (const auto theirs = foreign ? std::nullopt : classes_of_file(own, state, names, classes)) {
    throw ConfigError(text("weights: ", entry.file, " was trained for ", *theirs, " classes and the dataset has ",
                           classes, " (background included); to keep the model's own values there, add \"skip\": [\"",
                           join(names, "\", \""), "\"]"));
  }
  std::vector<std::string> lines;
  for (const auto& name : names) {
    lines.push_back(
        text(name, ": file [", join(state.at(name).sizes()), "], model [", join(own.at(name).sizes()), "]"));
  }
  constexpr size_t kShown = 5;
  throw ConfigError(text("weights: shapes in ", entry.file, " differ: ", join_first(lines, kShown),
                         "; \"skip\" names what the file shall not fill"));
}

void require_fit(const LoadReport& report, const std::vector<std::string>& missing, const WeightsEntry& entry) {
  if (report.loaded.empty()) {
    throw ConfigError(text("weights: nothing in ", entry.file, " fits this model by name with the map '", entry.map,
                           "'; maps: ", join(name_maps())));
  }
  if (!entry.strict || (missing.empty() && report.unexpected.empty())) return;
  throw ConfigError(text("weights: ", entry.file,
                         " does not fit strictly; not in the file: ", missing.empty() ? "none" : join(missing),
                         "; not in the model: ", report.unexpected.empty() ? "none" : join(report.unexpected),
                         "; \"skip\" names what the file shall not fill, \"strict\": false takes what fits"));
}

}  // namespace

std::filesystem::path weights_file(const WeightsEntry& entry, const std::filesystem::path& folder) {
  const std::filesystem::path beside = folder / entry.file;
  return std::filesystem::exists(beside) ? beside : std::filesystem::path(entry.file);
}

Pretrained read_pretrained(const Model& model, const WeightsEntry& entry, const std::filesystem::path& folder) {
  WeightsFile file = read_weights_file(weights_file(entry, folder));
  Renamed renamed = rename(file.tensors, entry.map);
  Pretrained result;
  result.state = std::move(renamed.state);
  result.aside = std::move(renamed.dropped);
  result.aside.insert(result.aside.end(), file.foreign.begin(), file.foreign.end());
  result.skipped = leave_out(result.state, state_of(model), entry);
  result.resized = fit_encoder(model, result.state);
  return result;
}

LoadReport load_pretrained(Model& model, const WeightsEntry& entry, const std::filesystem::path& folder) {
  const auto [state, aside, resized, skipped] = read_pretrained(model, entry, folder);
  require_shapes(model, state_of(model), state, entry);
  LoadReport report = load_state(model, state);
  report.resized = resized;
  require_fit(report, missing_in_rooms(report, state, skipped), entry);
  log_info(text("weights ", entry.file, ": ", report.summary()));
  constexpr size_t kShown = 8;
  if (!aside.empty()) log_info(text("weights ", entry.file, ": left aside: ", join_first(aside, kShown)));
  return report;
}

}  // namespace lamina::engine
