// What verbs about SAM share: which model, which slices of which image.
#pragma once

#include "common.hpp"

#include "engine/segment/sam_model.hpp"
#include "engine/segment/slice_pictures.hpp"

#include <string>
#include <vector>

namespace lamina::cli {

/// --weights, --model, --map, --size, --seed, --device, --threads.
void declare_sam(po::options_description& options);
/// Also sets threads and device.
engine::SamChoice sam_choice(const po::variables_map& arguments);

/// --window, --percentiles, --neighbours.
void declare_window(po::options_description& options);
engine::GreyWindow window_of(const po::variables_map& arguments);

/// "1,2.5" as numbers; ConfigError naming `option` when they are not `count` (or one of `counts`) finite numbers.
std::vector<double> numbers_of(const std::string& words, const std::string& option, const std::vector<size_t>& counts);

}  // namespace lamina::cli
