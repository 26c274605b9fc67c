// What every component's test wants to know: is it made by name, do gradients reach all of it, does it survive saving?
#pragma once

#include <lamina/base/glob.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>
#include <lamina/model/session.hpp>
#include <lamina/model/weights.hpp>
#include <lamina/nn/random_tensor.hpp>
#include <lamina/plugin/loader.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina::testing {

/// Knows every plugin of this build; each is opened when a test asks for one of its components.
inline const Registry& registry() {
  static const std::unique_ptr<Registry> instance = [] {
    auto made = std::make_unique<Registry>();
    discover_plugins(*made, {LAMINA_TEST_PLUGIN_DIR});
    return made;
  }();
  return *instance;
}

inline ConfigNode json(const std::string& content) { return ConfigNode::parse(content); }

/// Standard normal numbers that are the same on every machine.
inline torch::Tensor normal(const std::vector<int64_t>& shape, uint64_t seed = 1) {
  Random random(seed);
  return torch::randn(shape, nn::make_generator(random));
}

/// A batch of noise with random labels.
inline Batch noise_batch(int64_t rows, int64_t channels, const Size3& size, int64_t classes, uint64_t seed = 1) {
  Batch batch;
  Random random(seed, {17});
  auto generator = nn::make_generator(random);
  batch.images.set(kPrimaryStream, torch::randn({rows, channels, size[0], size[1], size[2]}, generator));
  batch.labels.set(kPrimaryStream,
                   torch::randint(0, classes, {rows, 1, size[0], size[1], size[2]}, generator, torch::kInt64));
  for (int64_t row = 0; row < rows; ++row) {
    batch.ids.push_back(text("case_", row));
    batch.sample.push_back(row);
  }
  return batch;
}

inline std::shared_ptr<Model> build_model(const std::string& section, const ModelSetup& setup) {
  return Model::build(registry(), json(section), setup);
}

/// Draws every parameter and buffer from N(0, 0.1), so that no zero or one hides a fault; running variances positive.
inline void redraw(torch::nn::Module& module, uint64_t seed = 1) {
  torch::NoGradGuard no_grad;
  uint64_t index = 0;
  for (auto& [name, tensor] : state_of(module)) {
    if (!tensor.is_floating_point()) continue;
    torch::Tensor target = tensor;
    target.copy_(normal(tensor.sizes().vec(), seed + 1000 * ++index) * 0.1);
    if (name.ends_with("running_var")) target.abs_().add_(0.5);
  }
}

inline int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

/// Every parameter got a gradient that is not 0, but for the globs in `unused`, which must match something unused.
inline void expect_gradients(torch::nn::Module& module, const torch::Tensor& loss,
                             const std::vector<std::string>& unused = {}) {
  module.zero_grad();
  loss.backward();
  std::vector<bool> seen(unused.size(), false);
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor gradient = item.value().grad();
    const bool reached = gradient.defined() && gradient.abs().max().item<double>() > 0;
    bool excused = false;
    for (size_t i = 0; i < unused.size(); ++i) {
      if (!Glob(unused[i]).matches(item.key())) continue;
      excused = true;
      seen[i] = seen[i] || !reached;
    }
    EXPECT_TRUE(reached || excused) << "no gradient reaches " << item.key();
  }
  for (size_t i = 0; i < unused.size(); ++i)
    EXPECT_TRUE(seen[i]) << unused[i] << " is named as unused, but gradients reach it";
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sizes() == b.sizes() ? (a - b).abs().max().item<double>() : std::numeric_limits<double>::infinity();
}

/// Saves one module, loads it into a second one that was drawn differently, and compares what the two compute.
template <class ModuleType>
void expect_reload_equal(const std::function<std::shared_ptr<ModuleType>()>& make,
                         const std::function<torch::Tensor(ModuleType&)>& run) {
  const auto file = std::filesystem::temp_directory_path() / text("lamina_reload_", ::getpid(), ".safetensors");
  const auto first = make(), second = make();
  redraw(*first, 1);
  redraw(*second, 2);
  const torch::Tensor expected = run(*first);
  ASSERT_GT(largest_difference(expected, run(*second)), 0) << "two different draws give the same output";
  write_safetensors(file, state_of(*first));
  load_state_strictly(*second, read_safetensors(file).tensors, file.string());
  std::filesystem::remove(file);
  EXPECT_EQ(largest_difference(expected, run(*second)), 0);
}

/// `run` maps [B, C, D, H, W] to a tensor with the same B and D. A change in slice d of case 0 must reach d-1 and d+1
/// and no other case.
inline void expect_depth_mixing(const std::vector<int64_t>& shape,
                                const std::function<torch::Tensor(const torch::Tensor&)>& run) {
  torch::NoGradGuard no_grad;
  const torch::Tensor input = normal(shape, 5);
  torch::Tensor changed = input.clone();
  const int64_t middle = shape[2] / 2;
  changed[0].select(1, middle) += normal({shape[1], shape[3], shape[4]}, 6);
  const torch::Tensor difference = (run(changed) - run(input)).abs();
  for (const int64_t slice : {middle - 1, middle, middle + 1}) {
    EXPECT_GT(difference[0].select(1, slice).max().item<double>(), 0)
        << "slice " << middle << " does not reach slice " << slice;
  }
  for (int64_t row = 1; row < shape[0]; ++row)
    EXPECT_EQ(difference[row].max().item<double>(), 0) << "case 0 reaches case " << row;
}

/// The message of the error that `work` throws; "" when it throws none.
template <class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace lamina::testing
