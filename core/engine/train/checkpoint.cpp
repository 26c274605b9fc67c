// Writes, finds and reads checkpoints.
#include "engine/train/checkpoint.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <cctype>
#include <set>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormatFamily = "lamina-checkpoint-";
constexpr const char* kFormat = "lamina-checkpoint-1";
constexpr const char* kModel = "model.";
constexpr const char* kEma = "ema.";
constexpr const char* kOptimizer = "optimizer.";
constexpr const char* kPrepare = "prepare.";
constexpr const char* kPostprocess = "postprocess.";

void put(TensorDict& all, const std::string& prefix, const TensorDict& part) {
  for (const auto& [name, tensor] : part) all[prefix + name] = tensor.detach().to(torch::kCPU).contiguous();
}

/// What stands behind `prefix`, under names without it.
TensorDict part_of(const TensorDict& all, const std::string& prefix) {
  TensorDict part;
  for (auto item = all.lower_bound(prefix); item != all.end() && item->first.starts_with(prefix); ++item) {
    part[item->first.substr(prefix.size())] = item->second;
  }
  return part;
}

TensorDict whole_names(const TensorDict& all, const std::string& prefix) {
  TensorDict part;
  for (const auto& [name, tensor] : part_of(all, prefix)) part[prefix + name] = tensor;
  return part;
}

std::string step_name(int64_t step) { return text("step-", step, ".safetensors"); }

bool is_pointer(const std::string& which) { return which == "last" || which == "best"; }

std::string read_pointer(const fs::path& pointer) {
  std::string name = read_file(pointer);
  while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.pop_back();
  return name;
}

/// Removes checkpoints that no pointer names, and what a killed process left half written.
void remove_unnamed(const fs::path& folder) {
  std::set<std::string> named;
  for (const std::string pointer : {"last", "best"}) {
    if (fs::exists(folder / pointer)) named.insert(read_pointer(folder / pointer));
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with("step-") || name.starts_with(".tmp-");
    if (ours && !named.contains(name)) fs::remove(entry.path(), ignored);
  }
}

std::string metadata_of(const SafetensorsFile& file, const std::string& key, const fs::path& path) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    throw DataError(text(path.string(), " is no checkpoint of lamina: it has no '", key, "'"));
  return found->second;
}

ConfigNode parse_metadata(const SafetensorsFile& file, const std::string& key, const fs::path& path) {
  const std::string content = metadata_of(file, key, path);
  try {
    return ConfigNode::parse(content, path.string());
  } catch (const Error& problem) {
    throw DataError(text(path.string(), " is damaged: its '", key, "' cannot be read (", problem.what(), ")"));
  }
}

}  // namespace

void rewrite_checkpoint(const fs::path& file, const Checkpoint& checkpoint) {
  TensorDict all;
  put(all, kModel, checkpoint.model);
  put(all, kEma, checkpoint.ema);
  put(all, kOptimizer, checkpoint.optimizer);
  put(all, "", checkpoint.prepare);
  put(all, "", checkpoint.postprocess);
  write_safetensors(
      file, all,
      {{"format", kFormat}, {"experiment", checkpoint.experiment.dump()}, {"state", checkpoint.state.dump()}});
}

void save_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, int64_t step, bool best) {
  make_folder(folder);
  const std::string name = step_name(step);
  rewrite_checkpoint(folder / name, checkpoint);
  // `best` first: a run killed between the two goes on from the older `last` and comes to the same best again.
  if (best) write_file(folder / "best", name + "\n");
  write_file(folder / "last", name + "\n");
  remove_unnamed(folder);
}

fs::path checkpoint_file(const fs::path& folder, const std::string& which) {
  const fs::path pointer = folder / which;
  if (is_pointer(which)) {
    if (!fs::exists(pointer)) throw DataError(text("there is no checkpoint '", which, "' in ", folder.string()));
    const fs::path file = folder / read_pointer(pointer);
    if (!fs::is_regular_file(file)) {
      throw DataError(text(pointer.string(), " names ", file.filename().string(), ", which is not there; delete ",
                           pointer.string(), " to go on without it"));
    }
    return file;
  }
  for (const fs::path& file : {fs::path(which), pointer}) {
    if (fs::is_regular_file(file)) return file;
  }
  throw DataError(text("there is no checkpoint ", which, "; expected 'last', 'best' or a file"));
}

Checkpoint load_checkpoint(const fs::path& folder, const std::string& which) {
  return read_checkpoint(checkpoint_file(folder, which));
}

bool has_checkpoint(const fs::path& folder, const std::string& which) {
  if (is_pointer(which)) return fs::exists(folder / which);
  return fs::is_regular_file(which) || fs::is_regular_file(folder / which);
}

bool is_checkpoint(const fs::path& file) {
  std::map<std::string, std::string> metadata;
  list_safetensors(file, &metadata);
  const auto format = metadata.find("format");
  return format != metadata.end() && format->second.starts_with(kFormatFamily);
}

Checkpoint read_checkpoint(const fs::path& file) {
  const SafetensorsFile content = [&] {
    try {
      return read_safetensors(file);
    } catch (const DataError& problem) {
      throw DataError(text("the checkpoint cannot be used: ", problem.what(),
                           "; delete it and its pointer file to train again, or name another one"));
    }
  }();
  const std::string format = metadata_of(content, "format", file);
  if (format != kFormat)
    throw DataError(text(file.string(), " has the format '", format, "'; expected '", kFormat, "'"));
  Checkpoint checkpoint;
  checkpoint.model = part_of(content.tensors, kModel);
  checkpoint.ema = part_of(content.tensors, kEma);
  checkpoint.optimizer = part_of(content.tensors, kOptimizer);
  checkpoint.prepare = whole_names(content.tensors, kPrepare);
  checkpoint.postprocess = whole_names(content.tensors, kPostprocess);
  checkpoint.experiment = parse_metadata(content, "experiment", file);
  checkpoint.state = parse_metadata(content, "state", file);
  return checkpoint;
}

}  // namespace lamina::engine
