// SAM as a whole: a name, its parts, its weights.
#pragma once

#include <lamina/model/model.hpp>
#include <lamina/plugin/registry.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

struct SamChoice {
  std::string model;             ///< one of sam_models(), or a JSON file with an experiment's `model` section; "": what
                                 ///< the weights are of, or sam_vit_b
  std::string weights;           ///< file; "": random values, which only show shapes and need a seed
  std::string map;               ///< "": the one that knows the names in the file
  std::optional<uint64_t> seed;  ///< of random values
  int64_t square = 1024;         ///< pixels along a side of what the encoder sees
  torch::Device device = torch::kCPU;
};

/// sam_vit_b, sam_vit_l, sam_vit_h, mobile_sam, ...
std::vector<std::string> sam_models();

/// With model and map filled in where they are left open. ConfigError where neither weights nor a seed are given, or
/// the weights are of no model known here.
SamChoice settled(SamChoice choice);

/// The model, filled and in inference mode; prompts are given. ConfigError as settled(), where there is no such model,
/// or where the weights do not fill it without a gap.
std::shared_ptr<Model> open_sam(const SamChoice& choice, const Registry& registry);

/// A fingerprint of all parameters and buffers.
std::string weights_hash(const Model& model);

}  // namespace lamina::engine
