// Made-up run folders with known scores, and the index over them.
#pragma once

#include "engine/evaluate/evaluation.hpp"
#include "engine/index/leaderboard.hpp"
#include "engine/index/run_index.hpp"
#include "engine/index/run_states.hpp"
#include "engine/run/run_folder.hpp"

#include "folder_test.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>
#include <lamina/plugin/loader.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

namespace lamina::engine::testing {

struct MadeUpRun {
  std::string study = "first", arm = "plain";
  int64_t seed = 1;
  std::vector<double> dice{0.8, 0.9};  // by case; hd95 is ten times what is missing to 1
  int64_t first_case = 0, reference = 9;
  std::string empty = "nnunet";
};

class IndexTest : public lamina::testing::FolderTest {
 protected:
  IndexTest() {
    discover_plugins(registry, {LAMINA_TEST_PLUGIN_DIR});
    make_folder(runs);
  }

  static std::string name_of(const MadeUpRun& run) { return text(run.arm, "-s", run.seed, "-0123abcd"); }
  RunFolder folder_of(const MadeUpRun& run) const { return RunFolder(runs / run.study / name_of(run)); }

  RunFolder write(const MadeUpRun& run) const {
    const RunFolder made = folder_of(run);
    make_folder(made.path());
    RunStatus status;
    status.state = "done", status.stage = "evaluate";
    status.hashes = {"p", text("t", run.arm, run.seed), "i", text("e", run.arm, run.seed)};
    status.parameters_trainable = 1200, status.parameters_total = 3400;
    status.train_seconds = 60, status.seconds_per_case = 0.5;
    status.epoch = status.epochs = 3;
    made.set_status(status);
    write_file(made.experiment(),
               text(R"({"schema": 1, "name": "made_up", "seed": )", run.seed,
                    R"(, "dataset": {"type": "nnunet_raw", "root": "/data/Balls/"}, "train": {"iterations": 10},
      "model": {"arm": ")",
                    run.arm, R"("}, "evaluate": {"metrics": [{"type": "dice"}, {"type": "hd95"}], "empty": ")",
                    run.empty, R"("}})"));
    write_metrics_csv(made.metrics(), rows_of(run));
    write_file(made.curves(), std::string("epoch,step,lr,loss,seconds\n1,10,0.1,2,4\n2,20,0.1,,6\n3,30,0.1,1,8\n"));
    return made;
  }

  /// What `ablate` would write for these runs, the first arm being the baseline.
  void write_plan(const std::string& study, const std::vector<MadeUpRun>& planned) const {
    std::string arms, cells;
    for (const auto& run : planned) {
      if (arms.find("\"" + run.arm + "\"") == std::string::npos) {
        const std::string change = R"({"path": "model.arm", "baseline": "plain", "arm": "other"})";
        arms += text(arms.empty() ? "" : ",", R"({"name": ")", run.arm, R"(", "experiment": {}, "changes": [)",
                     arms.empty() ? "" : change, "]}");
      }
      cells += text(cells.empty() ? "" : ",", R"({"arm": ")", run.arm, R"(", "seed": )", run.seed, R"(, "run": ")",
                    name_of(run), R"(", "hashes": {"evaluate": "e)", run.arm, run.seed, R"("}})");
    }
    make_folder(runs / study);
    write_file(runs / study / "plan.json",
               text(R"({"schema": 1, "name": ")", study, R"(", "baseline": ")", planned.front().arm,
                    R"(", "compare": {"primary": "dice"}, "seeds": [1], "warnings": [], "arms": [)", arms,
                    R"(], "cells": [)", cells, "]}"));
  }

  RunIndex open() const { return RunIndex(runs, registry); }
  Leaderboard board(const LeaderQuery& query = {}) const {
    RunIndex index = open();
    return leaderboard(index, query);
  }
  std::vector<std::string> states() const {
    RunIndex index = open();
    std::vector<std::string> words;
    for (const auto& study : run_states(index, "", 0)) {
      for (const auto& run : study.runs) words.push_back(text(run.study, "/", run.arm, " ", run.seed, " ", run.state));
    }
    return words;
  }

  Registry registry;
  const std::filesystem::path runs = folder / "runs", file = runs / "index.sqlite";

 private:
  static std::vector<MetricRow> rows_of(const MadeUpRun& run) {
    std::vector<MetricRow> rows;
    for (size_t i = 0; i < run.dice.size(); ++i) {
      const std::string id = text("case_", run.first_case + static_cast<int64_t>(i));
      const Counts counts{9, run.reference, 8, 100};
      rows.push_back({id, id, "dice", 1, "ball", run.dice[i], counts, "ok"});
      rows.push_back({id, id, "hd95", 1, "ball", 10 * (1 - run.dice[i]), counts, "ok"});
    }
    return rows;
  }
};

}  // namespace lamina::engine::testing
