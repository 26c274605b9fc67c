// What a checkpoint remembers of its dataset, so that it predicts without it.
#pragma once

#include <lamina/data/dataset.hpp>
#include <lamina/options/config_node.hpp>

namespace lamina::engine {

/// The key under which Checkpoint::state keeps it.
inline constexpr const char* kDatasetKey = "dataset";

ConfigNode dataset_info_to_node(const DatasetInfo& info);
DatasetInfo dataset_info_from_node(const ConfigNode& node);

}  // namespace lamina::engine
