// What a label shows in each slice, for prompters that make their prompts from it.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/batch.hpp>
#include <lamina/data/regions.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <torch/types.h>

namespace lamina {

/// A structure in one slice.
struct LabelObject {
  int64_t slice = 0, class_id = 0;  ///< slice b * D + d
  Region region;
};

struct ObjectRules {
  std::vector<int64_t> classes;  ///< those that count, ascending
  bool apart = false;            ///< instances are objects of their own, not all of a class together
  int64_t min_area = 1;          ///< pixels; smaller ones are left out
};

/// The objects of labels [B, 1, D, H, W], ordered by slice, class and number of the region. Apart, the regions of a class
/// are its instances in `instances`, or where that is undefined its connected components (8 neighbours); without, they
/// are its label.
LAMINA_API std::vector<LabelObject> label_objects(const torch::Tensor& labels, const torch::Tensor& instances,
                                                  const ObjectRules& rules);

/// `wanted` in ascending order, or every class but the background when it is empty. ConfigError for a class that is not
/// below `count`; `where` is the option, as "model.prompter.classes".
LAMINA_API std::vector<int64_t> foreground_classes(std::vector<int64_t> wanted, int64_t count,
                                                   const std::string& where);

/// Labels of a stream on the CPU; Error when `who` (the prompter) needs them and the batch has none.
LAMINA_API torch::Tensor labels_for(std::string_view who, const Batch& batch, const std::string& stream);

}  // namespace lamina
