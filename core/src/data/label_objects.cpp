// What a label shows in each slice.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/components.hpp>
#include <lamina/data/label_objects.hpp>

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina {
namespace {

// [B, 1, D, H, W] -> [B*D, H, W] on the CPU.
torch::Tensor stacked_slices(const torch::Tensor& volumes) {
  return volumes.squeeze(1).flatten(0, 1).to(at::kCPU, at::kLong);
}

// Regions of one class that are objects of their own; `numbers` [H, W] of instances, or undefined.
std::vector<Region> regions_apart(const torch::Tensor& mask, const torch::Tensor& numbers) {
  if (numbers.defined()) return regions_of(numbers * mask);
  return regions_of(component_map(mask.unsqueeze(0), Connectivity::Full)[0]);
}

}  // namespace

std::vector<LabelObject> label_objects(const torch::Tensor& labels, const torch::Tensor& instances,
                                       const ObjectRules& rules) {
  const torch::Tensor slices = stacked_slices(labels);
  const torch::Tensor numbers = instances.defined() ? stacked_slices(instances) : torch::Tensor();
  std::vector<LabelObject> objects;
  for (int64_t slice = 0; slice < slices.size(0); ++slice) {
    const torch::Tensor label = slices[slice];
    for (const Region& whole : regions_of(label)) {
      if (!std::binary_search(rules.classes.begin(), rules.classes.end(), whole.number)) continue;
      const std::vector<Region> regions =
          rules.apart ? regions_apart(label.eq(whole.number), numbers.defined() ? numbers[slice] : numbers)
                      : std::vector{whole};
      for (const Region& region : regions) {
        if (region.area >= rules.min_area) objects.push_back({slice, whole.number, region});
      }
    }
  }
  return objects;
}

std::vector<int64_t> foreground_classes(std::vector<int64_t> wanted, int64_t count, const std::string& where) {
  for (const int64_t class_id : wanted) {
    if (class_id < 1 || class_id >= count)
      throw ConfigError(text(where, ": got ", class_id, ", expected class numbers from 1 to ", count - 1));
  }
  if (wanted.empty()) {
    for (int64_t class_id = 1; class_id < count; ++class_id) wanted.push_back(class_id);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return wanted;
}

torch::Tensor labels_for(std::string_view who, const Batch& batch, const std::string& stream) {
  if (batch.labels.contains(stream) && batch.labels.at(stream).defined()) return batch.labels.at(stream).to(at::kCPU);
  throw DataError(text("the prompter '", who, "' makes its prompts from the label, but there is none",
                       batch.ids.empty() ? "" : text(" (", join(batch.ids), ")"),
                       "; use cases with labels, or the prompter 'given' with prompts of your own"));
}

}  // namespace lamina
