// Trains a tiny U-Net, built from the real plugins, on balls in memory.
#pragma once

#include "balls_fixture.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/train/checkpoint.hpp"
#include "engine/train/trainer.hpp"

#include <lamina/plugin/loader.hpp>

namespace lamina::engine::testing {

inline constexpr const char* kTinyExperiment = R"({
  "schema": 1, "name": "tiny",
  "dataset": {"type": "balls"},
  "augment": ["shake"],
  "model": {"encoder": {"type": "unet_encoder", "channels": [4, 6], "strides": [[1, 1, 1], [1, 2, 2]],
                        "kernels": [[1, 3, 3], [3, 3, 3]], "blocks": [1, 1]},
            "prompter": {"type": "none"}, "decoder": {"type": "unet", "convs_per_stage": [1]}},
  "train": {"trainable": ["encoder.**", "decoder.**"], "patch": [4, 12, 12], "batch": 2, "epochs": 3, "iterations": 3,
            "optimizer": {"type": "adamw", "lr": 0.01}, "schedule": {"type": "poly"}},
  "loss": {"type": "dice_ce"},
  "infer": {"type": "sliding_window"},
  "seed": 5, "runtime": {"device": "cpu", "threads": 1, "workers": 1}})";

class TrainingTest : public BallsTest {
 protected:
  TrainingTest() {
    discover_plugins(registry, {LAMINA_TEST_PLUGIN_DIR});
    reset_interrupt();
  }
  ~TrainingTest() override {
    set_stop_file({});
    reset_interrupt();
  }

  Experiment experiment(const std::vector<std::string>& words = {}) const {
    std::vector<Override> overrides;
    for (const auto& word : words) overrides.push_back(parse_override(word));
    return Experiment::from_node(ConfigNode::parse(kTinyExperiment), folder, overrides, registry);
  }

  /// Trains in the named run folder, or goes on there.
  TrainResult run(const std::string& name, const std::vector<std::string>& words = {}) {
    const Experiment one = experiment(words);
    RunFolder run(folder / name);
    run.begin(one, registry);
    const auto data = registry.create<Dataset>(one.options().dataset, "dataset", DatasetContext{folder});
    const TransformContext context{data->info(), one.patch()};
    const auto steps = std::make_shared<PrepareChain>(one.options().prepare, context, registry);
    steps->fit(*data, data->ids(Split::Train));
    PreparedDataset prepared(data, steps, folder / "cache");
    return train(one, prepared, run, registry);
  }

  Checkpoint checkpoint(const std::string& name, const std::string& which = "last") const {
    return load_checkpoint(RunFolder(folder / name).checkpoints(), which);
  }

  /// Bit for bit: weights, averages, moments, scores and sums; not how long it took.
  static void expect_same(const Checkpoint& a, const Checkpoint& b) {
    expect_same(a.model, b.model);
    expect_same(a.ema, b.ema);
    expect_same(a.optimizer, b.optimizer);
    for (const std::string key : {"epoch", "step", "best", "best_epoch", "frozen"}) {
      const auto value = [&](const Checkpoint& one) { return one.state.contains(key) ? one.state.at(key).dump() : ""; };
      EXPECT_EQ(value(a), value(b)) << key;
    }
  }
  static void expect_same(const TensorDict& a, const TensorDict& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, tensor] : a) {
      ASSERT_TRUE(b.contains(name)) << name;
      EXPECT_TRUE(same(tensor, b.at(name))) << name;
    }
  }

  /// Columns of curves.csv but the last, which is time.
  std::string curves(const std::string& name) const;
};

}  // namespace lamina::engine::testing
