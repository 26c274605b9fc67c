// What trains is said by globs over parameter names, nowhere else.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>

#include <string>
#include <vector>

#include <torch/nn/module.h>

namespace lamina {

struct ParameterCount {
  std::string room;  ///< "encoder", "adapters", "prompter", "decoder", "total"
  int64_t trainable = 0, total = 0;
};

/// Sets requires_grad: true where a glob matches, false elsewhere. ConfigError for a glob that matches no parameter,
/// with the nearest names. An empty list freezes everything.
LAMINA_API void set_trainable(torch::nn::Module& model, const std::vector<std::string>& globs);
LAMINA_API std::vector<ParameterCount> count_parameters(const torch::nn::Module& model);

}  // namespace lamina
