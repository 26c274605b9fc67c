// Which device and how many threads an experiment uses.
#pragma once

#include "engine/experiment/options.hpp"

#include <torch/types.h>

namespace lamina::engine {

/// "cpu", "cuda" or "auto". CUDA's half of LibTorch is loaded here and must be loaded before torch is used for anything
/// else, so verbs call this first. `auto` falls back to the CPU with one line; `cuda` throws ConfigError in words.
torch::Device choose_device(const std::string& wanted);

/// Threads of arithmetic: `runtime.threads`, or every core this process may use.
int64_t arithmetic_threads(const RuntimeSection& runtime);
/// choose_device() and the number of threads, for the calling thread and all that are made later.
torch::Device use_runtime(const RuntimeSection& runtime);

}  // namespace lamina::engine
