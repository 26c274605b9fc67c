// Any file of weights that lamina reads: safetensors, its own checkpoints, torch's .pth. The content decides, not the
// name.
#pragma once

#include <lamina/data/tensors.hpp>
#include <lamina/model/safetensors.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

enum class WeightsFormat { Safetensors, Checkpoint, Torch };

/// DataError in words for what is none: a web page saved in its place, a Git LFS pointer, a .pth from before torch 1.6.
WeightsFormat weights_format(const std::filesystem::path& file);

struct WeightsFile {
  StateDict tensors;                 ///< of a checkpoint: the weights that it predicts with, by the model's names
  std::vector<std::string> foreign;  ///< entries that are no tensors
  std::map<std::string, std::string> metadata;
};

/// Reads everything, with a progress bar when that takes long.
WeightsFile read_weights_file(const std::filesystem::path& file);

struct WeightsList {
  WeightsFormat format;
  std::vector<TensorEntry> tensors;  ///< everything in the file, by name; dtypes as safetensors calls them
  std::vector<std::string> foreign;
  std::map<std::string, std::string> metadata;
};

/// Names and shapes, without the numbers.
WeightsList list_weights_file(const std::filesystem::path& file);

}  // namespace lamina::engine
