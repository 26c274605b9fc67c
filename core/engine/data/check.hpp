// Walks a whole dataset before a training does: every fault at once, and what the data are like.
#pragma once

#include <lamina/data/dataset.hpp>
#include <lamina/options/config_node.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

struct DataFault {
  bool warning = false;  ///< the data can be used, but somebody should look
  std::string case_id;   ///< "" when it is about the whole
  std::string what;
};

/// What is known of one case after reading it.
struct CaseRecord {
  std::string id, group, split;
  Size3 size{0, 0, 0};
  std::array<double, 3> spacing{0, 0, 0};
  std::vector<double> minimum, maximum;  ///< by channel
  std::vector<int64_t> voxels;           ///< by class; empty without a label
  bool readable = false;
};

struct DataCheck {
  DatasetInfo info;
  std::vector<CaseRecord> cases;               ///< train, val, test; each in the dataset's order, each case once
  std::map<std::string, int64_t> split_sizes;  ///< by "train", "val" and "test"
  std::vector<DataFault> faults;
  std::vector<std::filesystem::path> thumbnails;

  bool usable() const;  ///< nothing but warnings
  std::string to_text() const;
  ConfigNode to_json() const;
};

struct DataCheckOptions {
  std::filesystem::path thumbnails;  ///< folder for PNG pictures of slices with label contours; empty: none
  int64_t pictures = 12;             ///< at most so many
  int64_t threads = 2;
};

/// Reads every case once, with progress. Never throws for faulty cases: they are what it looks for.
DataCheck check_data(const Dataset& dataset, const DataCheckOptions& options);

/// A slice [H, W] of an image as 8-bit RGB [H, W, 3], with the outline of each label in its own colour.
torch::Tensor outlined_slice(const torch::Tensor& image, const torch::Tensor& labels);

}  // namespace lamina::engine
