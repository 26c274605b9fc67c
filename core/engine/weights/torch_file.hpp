// Weights as torch.save writes them: a zip archive with a pickle and one member per storage.
#pragma once

#include <lamina/data/tensors.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lamina::engine {

struct TorchTensorFact {
  std::string name, dtype;  ///< dtype as safetensors files call it: "F32"
  std::vector<int64_t> shape;
};

struct TorchFacts {
  std::vector<TorchTensorFact> tensors;  ///< by name
  std::vector<std::string> foreign;      ///< entries that are no tensors: "epoch"
};

struct TorchWeights {
  StateDict tensors;  ///< contiguous or not, as saved; views of one storage share it
  std::vector<std::string> foreign;
};

/// Told how many bytes were read.
using ReadingProgress = std::function<void(uint64_t bytes)>;

/// Reads names and shapes only. DataError: file and fact, and for TorchScript and files from before torch 1.6 the way
/// out.
TorchFacts list_torch_file(const std::filesystem::path& file);
TorchWeights read_torch_file(const std::filesystem::path& file, const ReadingProgress& progress);

/// One line of Python that saves a file's tensors as safetensors, for what lamina does not read. `loader`: "torch.load"
/// or "torch.jit.load".
std::string resave_advice(const std::filesystem::path& file, const std::string& loader);

}  // namespace lamina::engine
