// Fills a model from a file of pretrained weights.
#pragma once

#include "engine/experiment/options.hpp"

#include <lamina/model/model.hpp>
#include <lamina/model/weights.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace lamina::engine {

/// What a file offers a model.
struct Pretrained {
  StateDict state;                   ///< by the model's names
  std::vector<std::string> aside;    ///< entries of the file that the map drops, or that are no tensors
  std::vector<std::string> resized;  ///< tables that the encoder fitted to its grid
  std::set<std::string> skipped;     ///< names, of file or model, that `skip` leaves out
};

/// Where the file is: beside the experiment, or else as it is called.
std::filesystem::path weights_file(const WeightsEntry& entry, const std::filesystem::path& folder);

/// Reads the file, translates its names, leaves out what `skip` names, and lets the
/// encoder fit its tables. The file may be a checkpoint of a run: then the weights that it predicts with.
Pretrained read_pretrained(const Model& model, const WeightsEntry& entry, const std::filesystem::path& folder);

/// Loads that by name and logs the counts. ConfigError where nothing fits, where shapes differ, or, with `strict`,
/// where names are left over.
LoadReport load_pretrained(Model& model, const WeightsEntry& entry, const std::filesystem::path& folder);

}  // namespace lamina::engine
