// A tiny dataset in memory (balls of two classes), and transforms that misbehave on demand: what tests of the data
// path and of training need.
#pragma once

#include "engine/data/prepared.hpp"

#include "folder_test.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace lamina::engine::testing {

struct BallsOptions {
  int64_t train = 4, val = 2;
  std::array<int64_t, 3> size{6, 20, 20};
  std::string broken;  // the case that cannot be read
  void bind(OptionBinder& o) {
    o.field("train", train, "Cases");
    o.field("val", val, "Cases");
    o.field("size", size, "Voxels");
    o.field("broken", broken, "Case that cannot be read");
  }
};

class Balls : public Dataset {
 public:
  using Options = BallsOptions;
  Balls(const Options& options, const DatasetContext&) : options_(options) {}

  DatasetInfo info() const override {
    DatasetInfo info;
    info.name = "balls";
    info.channels = {"MRI"};
    info.classes = {"background", "ball", "core"};
    info.flip_axes = {"x"};
    return info;
  }
  std::vector<std::string> ids(Split split) const override {
    const int64_t count = split == Split::Train ? options_.train : split == Split::Val ? options_.val : 0;
    std::vector<std::string> ids;
    for (int64_t i = 0; i < count; ++i) ids.push_back(text(split == Split::Train ? "train" : "val", i));
    return ids;
  }
  Case load(const std::string& id, WithLabels labels) const override {
    ++loads;
    if (id == options_.broken) throw DataError("case " + id + ": file " + id + ".nii.gz is truncated");
    Case one;
    one.id = one.group = id;
    one.valid = {{0, 0, 0}, options_.size};
    const torch::Tensor map = label_map(id);
    Geometry geometry;
    geometry.spacing = {3, 1, 1};
    one.images = Streams<Volume>({map.to(torch::kFloat32) + noise(id), geometry});
    if (labels == WithLabels::Yes) one.labels = Streams<Volume>({map, geometry});
    return one;
  }
  std::string fingerprint() const override { return text(options_.train, " ", options_.val, " ", join(options_.size)); }

  static inline std::atomic<int64_t> loads{0};

 private:
  /// [1, D, H, W]
  torch::Tensor label_map(const std::string& id) const {
    Random random(7, {hash_name(id)});
    const auto [depth, height, width] = options_.size;
    const auto z = torch::arange(depth).view({-1, 1, 1}), y = torch::arange(height).view({1, -1, 1}),
               x = torch::arange(width);
    const auto distance = (z - random.integer(2, depth - 3)).pow(2) * 9 + (y - random.integer(7, height - 8)).pow(2) +
                          (x - random.integer(7, width - 8)).pow(2);
    return ((distance < 36).to(torch::kInt64) + (distance < 10).to(torch::kInt64)).unsqueeze(0);
  }
  torch::Tensor noise(const std::string& id) const {
    Random random(8, {hash_name(id)});
    torch::Tensor values = torch::empty({1, options_.size[0], options_.size[1], options_.size[2]});
    auto* value = values.data_ptr<float>();
    for (int64_t i = 0; i < values.numel(); ++i) value[i] = static_cast<float>(random.normal(0, 0.3));
    return values;
  }
  Options options_;
};

struct ShakeOptions {
  double reach = 1.2;
  std::string broken;
  void bind(OptionBinder& o) {
    o.field("reach", reach, "Factor");
    o.field("broken", broken, "Case that fails");
  }
};

/// Adds a random number to the image; learns how many cases it was fitted on.
class Shake : public Transform {
 public:
  using Options = ShakeOptions;
  Shake(const Options& options, const TransformContext&) : options_(options) {}
  TensorDict fit(const std::vector<std::string>& ids, const std::function<Case(const std::string&)>& load) override {
    double sum = 0;
    for (const auto& id : ids) sum += load(id).images.primary().voxels.mean().item<double>();
    return {{"mean", torch::tensor(sum / static_cast<double>(ids.size()))}};
  }
  void restore(const TensorDict& state) override { mean_ = state.at("mean").item<double>(); }
  Case apply(Case one, Random& random) const override {
    if (one.id == options_.broken) throw std::runtime_error("it shook itself to pieces");
    Volume moved = one.images.primary();
    moved.voxels = moved.voxels + random.uniform() - mean_;
    one.images.set(kPrimaryStream, moved);
    return one;
  }
  std::array<double, 3> reach() const override { return {1, options_.reach, options_.reach}; }

 private:
  Options options_;
  double mean_ = 0;
};

inline void add_balls(Registry& registry) {
  Registrar registrar("tests", "");
  registrar.add<Balls>("dataset", "balls", "1", "Balls in memory");
  registrar.add<Shake>("transform", "shake", "1", "Adds a random number");
  registry.add(registrar.take());
}

class BallsTest : public lamina::testing::FolderTest {
 protected:
  BallsTest() { add_balls(registry); }

  std::shared_ptr<const Dataset> dataset(const std::string& options = "{}") const {
    ConfigNode entry = ConfigNode::parse(options);
    entry.set("type", "balls");
    return registry.create<Dataset>(entry, "dataset", DatasetContext{folder});
  }
  std::shared_ptr<PrepareChain> chain(const std::string& entries, const Dataset& data) const {
    const ConfigNode list = ConfigNode::parse(entries);
    std::vector<ConfigNode> steps;
    for (size_t i = 0; i < list.size(); ++i) steps.push_back(list.at(i));
    return std::make_shared<PrepareChain>(steps, TransformContext{data.info(), {1, 8, 8}}, registry);
  }

  Registry registry;
};

inline bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.dtype() == b.dtype() && torch::equal(a, b);
}

}  // namespace lamina::engine::testing
