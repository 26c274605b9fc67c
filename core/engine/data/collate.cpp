// Stacks cases into batches.
#include "engine/data/collate.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

using Pick = const Streams<Volume>& (*)(const Case&);

/// [B, C, D, H, W] per stream of the first case; every case must have it in that shape.
Streams<torch::Tensor> stack(const std::vector<Case>& cases, Pick pick, torch::ScalarType type, const char* what) {
  Streams<torch::Tensor> stacked;
  for (const auto& [stream, first] : pick(cases.front())) {
    if (!first.defined()) continue;
    std::vector<torch::Tensor> rows;
    for (const auto& one : cases) {
      const bool present = pick(one).contains(stream) && pick(one).at(stream).defined();
      if (!present)
        throw DataError(text("case ", one.id, " has no ", what, " '", stream, "', case ", cases.front().id, " has"));
      rows.push_back(pick(one).at(stream).voxels.to(type));
      if (rows.back().sizes() != rows.front().sizes()) {
        throw DataError(text("case ", one.id, ": ", what, " '", stream, "' is ", rows.back().sizes(), " but ",
                             rows.front().sizes(), " in case ", cases.front().id, "; a batch needs one shape"));
      }
    }
    stacked.set(stream, torch::stack(rows));
  }
  return stacked;
}

Streams<torch::Tensor> moved(const Streams<torch::Tensor>& streams, const torch::Device& device) {
  Streams<torch::Tensor> there;
  for (const auto& [stream, tensor] : streams) there.set(stream, tensor.to(device));
  return there;
}

}  // namespace

Batch collate(const std::vector<Case>& cases, const std::vector<int64_t>& samples) {
  const auto images = [](const Case& one) -> const Streams<Volume>& { return one.images; };
  const auto labels = [](const Case& one) -> const Streams<Volume>& { return one.labels; };
  const auto instances = [](const Case& one) -> const Streams<Volume>& { return one.instances; };
  Batch batch;
  batch.images = stack(cases, images, torch::kFloat32, "image");
  batch.labels = stack(cases, labels, torch::kInt64, "label");
  batch.instances = stack(cases, instances, torch::kInt64, "instance map");
  batch.sample = samples;
  batch.ignore = cases.front().ignore;
  for (const auto& one : cases) {
    batch.ids.push_back(one.id);
    batch.geometry.push_back(one.images.primary().geometry);
    batch.valid.push_back(one.valid);
  }
  return batch;
}

Batch to_device(Batch batch, const torch::Device& device) {
  if (device.is_cpu()) return batch;
  batch.images = moved(batch.images, device);
  batch.labels = moved(batch.labels, device);
  batch.instances = moved(batch.instances, device);
  return batch;
}

}  // namespace lamina::engine
