// A made-up study's folder: scores with a known difference, curves, one failed run, pictures.
#pragma once

#include "engine/report/html.hpp"
#include "engine/report/tables.hpp"

#include "folder_test.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include <torch/utils.h>

namespace lamina::engine::testing {

/// Two balls of different class in noise; what the arm predicts is shifted by `shift` voxels along x.
inline Case ball_case(const std::string& id, int64_t shift) {
  const auto z = torch::arange(9).view({-1, 1, 1}), y = torch::arange(64).view({1, -1, 1}),
             x = torch::arange(80) - shift;
  const auto ball = [&](int64_t cy, int64_t cx, int64_t radius) {
    return ((z - 4) * (z - 4) * 9 + (y - cy) * (y - cy) + (x - cx) * (x - cx)) < radius * radius;
  };
  const torch::Tensor labels =
      (ball(28, 30, 14).to(torch::kInt64) + 2 * ball(40, 56, 9).to(torch::kInt64)).unsqueeze(0);
  Geometry geometry;
  geometry.spacing = {3, 1, 1};
  Case one;
  one.id = one.group = id;
  const torch::Tensor smooth = labels.to(torch::kFloat32) * 0.4 + torch::sin(x.to(torch::kFloat32) / 5) * 0.1 + 0.3;
  one.images = Streams<Volume>({smooth, geometry});
  one.labels = Streams<Volume>({labels, geometry});
  return one;
}

/// Serves ball_case().
class BallDataset : public Dataset {
 public:
  DatasetInfo info() const override {
    DatasetInfo info;
    info.name = "made-up balls";
    info.channels = {"MRI"};
    info.classes = {"background", "large", "small"};
    info.credit = "nobody's <data>";
    return info;
  }
  std::vector<std::string> ids(Split) const override { return {}; }
  Case load(const std::string& id, WithLabels) const override { return ball_case(id, 0); }
  std::string fingerprint() const override { return "balls"; }
};

class MadeUpStudy : public lamina::testing::FolderTest {
 protected:
  MadeUpStudy() {
    write_plan();
    write_run("plain", 1, 0.80), write_run("plain", 2, 0.81);
    write_run("better", 1, 0.85), write_run("better", 2, 0.86);
    write_run("same", 1, 0.80, 0.04), write_run("same", 2, 0.81, 0.04);
    write_failure("broken", 1);
  }

  StudySummary summary(const StudyData& study) const {
    return summarise(study, {{"hd95", "mm", "95th percentile of distances", false}, {"dice", "", "overlap", true}});
  }

  std::string render(const StudyData& study) const {
    const StudySummary numbers = summary(study);
    ReportContents contents{
        study, numbers, dataset.info(), "", "nnunet", {}, ConfigNode::parse(R"({"lamina": "1.2.3"})")};
    for (const auto& arm : study.arms) {
      contents.overlays.push_back(overlays_of(arm, numbers.primary(), dataset));
      contents.pairs.push_back(overlay_pairs(arm, study.arms.front(), numbers.primary(), dataset));
    }
    return render_report(contents);
  }

  BallDataset dataset;

 private:
  static constexpr int kCases = 8;

  void write_plan() const {
    std::string cells, arms;
    for (const std::string arm : {"plain", "better", "same", "broken"}) {
      const std::string changes =
          arm == "plain" ? "" : R"({"path": "model.encoder.residual", "baseline": "false", "arm": "true"})";
      arms += text(arms.empty() ? "" : ",", R"({"name": ")", arm,
                   R"(", "description": "An arm & more.", "origin": ".", "experiment": )",
                   R"({"dataset": {"type": "balls"}, "evaluate": {"metrics": ["dice"]}}, "changes": [)", changes, "]}");
      for (const int seed : {1, 2}) {
        cells += text(cells.empty() ? "" : ",", R"({"arm": ")", arm, R"(", "seed": )", seed, R"(, "run": ")", arm, "-s",
                      seed, R"(", "hashes": {"evaluate": "e"}})");
      }
    }
    write_file(folder / "plan.json",
               text(R"({"schema": 1, "name": "made_up", "description": "Is <better> better?", "baseline": "plain",
      "compare": {"primary": "dice", "draws": 500, "alpha": 0.05}, "seeds": [1, 2], "warnings": [{"text": "mind the gap"}],
      "arms": [)",
                    arms, R"(], "cells": [)", cells, "]}"));
  }

  void write_run(const std::string& arm, int seed, double level, double wobble = 0.002) const {
    const RunFolder run(folder / text(arm, "-s", seed));
    make_folder(run.predictions());
    RunStatus status;
    status.state = "done", status.stage = "evaluate", status.hashes.evaluate = "e";
    status.parameters_trainable = 12345, status.parameters_total = 2345678;
    status.train_seconds = 61, status.seconds_per_case = 0.5, status.peak_memory_bytes = 512 << 20;
    run.set_status(status);
    std::vector<MetricRow> rows;
    Random random(5, {hash_name(arm), static_cast<uint64_t>(seed)});
    for (int i = 0; i < kCases; ++i) {
      const std::string id = text("case_", i);
      write_labels(run.predictions() / (id + ".nii.gz"), ball_case(id, arm == "better" ? 1 : 3).labels.primary());
      const double value = level + 0.02 * i + random.uniform(-wobble, wobble);
      for (const int64_t class_id : {1, 2}) {
        const std::string name = class_id == 1 ? "large" : "small";
        rows.push_back({id,
                        id,
                        "dice",
                        class_id,
                        name,
                        value - 0.01 * static_cast<double>(class_id),
                        {9, 9, 8},
                        i == 0 ? "missed" : "ok"});
        rows.push_back({id,
                        id,
                        "hd95",
                        class_id,
                        name,
                        i == 0 ? std::nan("") : 9 - 8 * value,
                        {9, 9, 8},
                        i == 0 ? "missed" : "ok"});
      }
    }
    write_metrics_csv(run.metrics(), rows);
    std::string curves = "epoch,step,lr,loss,val_dice,val_loss,seconds\n";
    for (int epoch = 1; epoch <= 20; ++epoch) {
      curves += text(epoch, ",", 10 * epoch, ",0.01,", std::exp(-0.1 * epoch) - level + 0.05 * seed, ",",
                     epoch % 2 ? "" : text(level * (1 - std::exp(-0.3 * epoch))), ",,1\n");
    }
    write_file(run.curves(), curves);
  }

  void write_failure(const std::string& arm, int seed) const {
    const RunFolder run(folder / text(arm, "-s", seed));
    make_folder(run.path());
    RunStatus status;
    status.state = "failed", status.stage = "train", status.error = "case 7: NaN in <image>",
    status.hashes.evaluate = "e";
    run.set_status(status);
  }
};

}  // namespace lamina::engine::testing
