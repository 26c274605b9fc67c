// Small cases made in memory, and the goldens of tests/parity, for tests of transforms and post-processing.
#pragma once

#include <lamina/base/error.hpp>
#include <lamina/data/case.hpp>
#include <lamina/data/slab_sink.hpp>
#include <lamina/data/transform.hpp>
#include <lamina/model/safetensors.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <ATen/ATen.h>

namespace lamina::made {

inline Volume volume(torch::Tensor voxels, const std::array<double, 3>& spacing = {1, 1, 1}) {
  Volume result{std::move(voxels), {}};
  result.geometry.spacing = spacing;
  return result;
}

/// `image` [C, D, H, W], `labels` [1, D, H, W] or undefined.
inline Case one(const torch::Tensor& image, const torch::Tensor& labels = {},
                const std::array<double, 3>& spacing = {1, 1, 1}) {
  Case result;
  result.id = "made";
  result.images = Streams<Volume>(volume(image, spacing));
  if (labels.defined()) result.labels = Streams<Volume>(volume(labels, spacing));
  result.valid = {{0, 0, 0}, result.images.primary().size()};
  return result;
}

/// Uniform values in [low, high), the same for the same seed.
inline torch::Tensor noise(at::IntArrayRef size, uint64_t seed, double low = 0, double high = 1) {
  Random random(seed);
  auto result = at::empty(size, at::kFloat);
  float* values = result.data_ptr<float>();
  for (int64_t i = 0; i < result.numel(); ++i) values[i] = static_cast<float>(random.uniform(low, high));
  return result;
}

/// A tensor of tests/parity/<file>.
inline torch::Tensor golden(const std::string& file, const std::string& name) {
  static std::map<std::string, TensorDict> files;
  const auto [entry, missing] = files.try_emplace(file);
  if (missing) entry->second = read_safetensors(std::string(LAMINA_TEST_SOURCE_DIR "/tests/parity/") + file).tensors;
  const auto found = entry->second.find(name);
  if (found == entry->second.end()) throw Error("tests/parity/" + file + " has no tensor '" + name + "'");
  return found->second;
}

inline double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

inline Case apply(const Transform& transform, Case content, uint64_t seed = 1) {
  Random random(seed);
  return transform.apply(std::move(content), random);
}

/// The end of a chain of sinks: keeps everything.
class Kept : public SlabSink {
 public:
  void put(const torch::Tensor& scores) override { slabs_.push_back(scores.clone()); }
  void finish() override { ++finished_; }
  torch::Tensor scores() const { return at::cat(slabs_, 1); }
  int finished() const { return finished_; }

 private:
  std::vector<torch::Tensor> slabs_;
  int finished_ = 0;
};

/// Sends scores [K, D, H, W] through `sink` in slabs of `depth` slices.
inline void send(SlabSink& sink, const torch::Tensor& scores, int64_t depth) {
  for (int64_t z = 0; z < scores.size(1); z += depth) {
    sink.put(scores.narrow(1, z, std::min(depth, scores.size(1) - z)));
  }
  sink.finish();
}

}  // namespace lamina::made
