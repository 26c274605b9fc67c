// A tiny study on phantom volumes, built from the real plugins, in a temporary folder.
#pragma once

#include "engine/ablate/plan.hpp"
#include "engine/run/interrupt.hpp"

#include "folder_test.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/plugin/loader.hpp>

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace lamina::engine::testing {

inline constexpr const char* kTinyPhantom = R"({
  "schema": 1, "name": "tiny",
  "dataset": {"type": "phantom", "size": [4, 24, 24], "classes": 3, "cases": {"train": 2, "val": 1, "test": 3}},
  "prepare": [{"id": "norm", "type": "zscore"}],
  "model": {"encoder": {"type": "unet_encoder", "channels": [4, 6], "strides": [[1, 1, 1], [1, 2, 2]],
                        "kernels": [[1, 3, 3], [3, 3, 3]], "blocks": [1, 1]},
            "prompter": {"type": "none"}, "decoder": {"type": "unet", "convs_per_stage": [1]}},
  "train": {"trainable": ["**"], "patch": [4, 16, 16], "batch": 1, "epochs": 2, "iterations": 2,
            "optimizer": {"type": "adamw", "lr": 0.01}, "schedule": {"type": "poly"}},
  "loss": {"type": "dice_ce"}, "infer": {"type": "sliding_window"}, "evaluate": {"metrics": ["dice", "iou"]},
  "seed": 1, "runtime": {"device": "cpu", "threads": 1, "workers": 0}})";

inline constexpr const char* kTinyStudy = R"({
  "schema": 1, "name": "small", "description": "What is it good for?", "baseline": "tiny.json", "baseline_name": "plain",
  "arms": [{"name": "residual", "set": {"model.encoder.residual": true}},
           {"name": "no_overlap", "description": "Differs after training only.", "set": {"infer.overlap": 0}}],
  "seeds": [1, 2], "compare": {"draws": 200}})";

class StudyTest : public lamina::testing::FolderTest {
 protected:
  StudyTest() {
    write_file(folder / "tiny.json", kTinyPhantom);
    write_file(folder / "small.json", kTinyStudy);
    discover_plugins(registry, {LAMINA_TEST_PLUGIN_DIR});
    reset_interrupt();
  }
  ~StudyTest() override { reset_interrupt(); }

  Study load(const std::string& name = "small.json", const std::vector<std::string>& words = {}) const {
    std::vector<Override> overrides;
    for (const auto& word : words) overrides.push_back(parse_override(word));
    return Study::load((folder / name).string(), overrides, registry);
  }

  StudyRun how(CellRunner runner = nullptr) const { return {folder / "runs", {}, std::move(runner)}; }

  /// Only what anybody may compare between two runs of a study.
  std::string results(const std::string& runs = "runs") const {
    return read_file(folder / runs / "small" / "results.csv");
  }

  Registry registry;
};

}  // namespace lamina::engine::testing
