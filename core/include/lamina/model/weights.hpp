// Loading parameters by name, with a full account.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>

#include <string>
#include <vector>

#include <torch/nn/module.h>

namespace lamina {

/// Parameters and buffers by name.
LAMINA_API StateDict state_of(const torch::nn::Module& module);

struct LAMINA_API LoadReport {
  std::vector<std::string> loaded, resized;
  std::vector<std::string> missing;     ///< in the model, not in the file ("new")
  std::vector<std::string> unexpected;  ///< in the file, not in the model ("ignored")
  std::vector<std::string> mismatched;  ///< "name: file [3, 3], model [4, 3]"
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  std::string summary() const;          ///< one line of counts
};

/// Copies what fits and reports the rest. Values are cast to the parameter's dtype.
LAMINA_API LoadReport load_state(torch::nn::Module& module, const StateDict& state);
/// As load_state, but ConfigError listing everything when the report is not complete.
LAMINA_API void load_state_strictly(torch::nn::Module& module, const StateDict& state, const std::string& origin);

}  // namespace lamina
