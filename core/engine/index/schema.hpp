// The tables of runs/index.sqlite; docs/index.md describes them.
#pragma once

namespace lamina::engine {

/// Raised with every change below: an index of another number is made anew.
constexpr int kIndexVersion = 1;

constexpr const char* kIndexTables = R"(
CREATE TABLE study(
  study TEXT PRIMARY KEY, description TEXT NOT NULL, baseline TEXT NOT NULL,
  problem TEXT NOT NULL, stamp TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cell(
  study TEXT NOT NULL, folder TEXT NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL, fold INTEGER, hash TEXT NOT NULL,
  PRIMARY KEY(study, folder)) WITHOUT ROWID;
CREATE TABLE axis(
  study TEXT NOT NULL, arm TEXT NOT NULL, path TEXT NOT NULL, baseline TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(study, arm, path)) WITHOUT ROWID;
CREATE TABLE run(
  id INTEGER PRIMARY KEY, study TEXT NOT NULL, folder TEXT NOT NULL,
  arm TEXT NOT NULL, seed INTEGER NOT NULL, fold INTEGER, hash TEXT NOT NULL,
  dataset TEXT NOT NULL, test_set TEXT NOT NULL, cases INTEGER NOT NULL,
  state TEXT NOT NULL, stage TEXT NOT NULL, error TEXT NOT NULL, problem TEXT NOT NULL,
  epoch INTEGER NOT NULL, epochs INTEGER NOT NULL, iterations INTEGER NOT NULL,
  parameters_trainable INTEGER NOT NULL, parameters_total INTEGER NOT NULL, peak_memory_bytes INTEGER NOT NULL,
  train_seconds REAL, step_seconds REAL, infer_seconds REAL, seconds_per_case REAL, best_score REAL,
  uses_ground_truth INTEGER NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL, heartbeat REAL, stamp TEXT NOT NULL,
  UNIQUE(study, folder));
CREATE TABLE metric(
  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  metric TEXT NOT NULL, class INTEGER NOT NULL, class_name TEXT NOT NULL, mean REAL, sd REAL, median REAL,
  cases INTEGER NOT NULL, undefined INTEGER NOT NULL, missed INTEGER NOT NULL, hallucinated INTEGER NOT NULL,
  PRIMARY KEY(run, metric, class)) WITHOUT ROWID;
CREATE TABLE metric_kind(
  metric TEXT PRIMARY KEY, higher_is_better INTEGER NOT NULL, unit TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE curve(
  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  name TEXT NOT NULL, epoch INTEGER NOT NULL, value REAL,
  PRIMARY KEY(run, name, epoch)) WITHOUT ROWID;
CREATE VIEW score AS
  SELECT run.study, run.arm, run.seed, run.fold, run.hash, run.folder, run.dataset, run.test_set, run.state,
         metric.metric, metric.class, metric.class_name, metric.mean, metric.sd, metric.median, metric.cases,
         metric.undefined, metric.missed, metric.hallucinated
  FROM metric JOIN run ON run.id = metric.run;
)";

}  // namespace lamina::engine
