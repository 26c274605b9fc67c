// A checkpoint: one safetensors file; settings and counters in its metadata.
#pragma once

#include <lamina/data/tensors.hpp>
#include <lamina/options/config_node.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace lamina::engine {

/// The key of Checkpoint::state that says that `postprocess` learned from validation cases.
inline constexpr const char* kPostprocessFittedKey = "postprocess_fitted";

/// Names here are the parameters' own; in the file they stand behind "model.", "ema." and "optimizer.".
struct Checkpoint {
  StateDict model;         // weights and buffers; only what trains (and buffers) with `contents: trainable`
  StateDict ema;           // averaged weights, used instead of the model's where there are any
  TensorDict optimizer;    // "<parameter>.<moment>" and "<parameter>.step"
  TensorDict prepare;      // PrepareChain::state(): "prepare.<index>.<name>"
  TensorDict postprocess;  // "postprocess.<index>.<name>"
  ConfigNode experiment;   // resolved
  ConfigNode state;        // epoch, step, best score, seconds, sums of the epoch under way, frozen hash, dataset
};

/// Writes checkpoints/step-<n>.safetensors, then the one-line pointer files `last` and, when asked for, `best`; removes
/// checkpoints that no pointer names. A full disk leaves the previous checkpoint in place (StorageError).
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint, int64_t step, bool best);
/// Writes a checkpoint anew under its own name, e.g. with what post-processing learned.
void rewrite_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint);
/// `which`: "last", "best", or a file. DataError in words when damaged.
Checkpoint load_checkpoint(const std::filesystem::path& folder, const std::string& which);
/// The file that `which` names; DataError where there is none.
std::filesystem::path checkpoint_file(const std::filesystem::path& folder, const std::string& which);
/// Whether a safetensors file says that it is a checkpoint; DataError when it is none of the two.
bool is_checkpoint(const std::filesystem::path& file);
bool has_checkpoint(const std::filesystem::path& folder, const std::string& which);
Checkpoint read_checkpoint(const std::filesystem::path& file);

}  // namespace lamina::engine
