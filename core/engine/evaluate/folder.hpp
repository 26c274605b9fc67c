// Scores a folder of predictions, whichever program made them.
#pragma once

#include "engine/evaluate/evaluation.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

struct FolderOptions {
  int64_t threads = 1;         // cases at the same time; 0: one per core
  bool allow_missing = false;  // score what is there; otherwise missing predictions are a DataError that lists them
};

struct FolderScores {
  std::vector<MetricRow> rows;               // in the order of the cases, whatever the threads
  std::vector<std::string> missing;          // cases without a prediction
  std::vector<std::string> unmatched;        // predictions without a case
  std::map<std::string, ScoredFiles> files;  // case id -> its files
};

/// Scores `predictions`/<id>.nii.gz (or any other image format) against the dataset's labels of the cases `ids`.
FolderScores evaluate_folder(const std::filesystem::path& predictions, const Dataset& dataset,
                             const std::vector<std::string>& ids, const Evaluator& evaluator,
                             const FolderOptions& options = {});

/// The same against a folder of label maps with the same names.
FolderScores evaluate_folder(const std::filesystem::path& predictions, const std::filesystem::path& references,
                             const Evaluator& evaluator, const FolderOptions& options = {});

/// The image files of a folder by name without extension. DataError for two files of one name, or no folder.
std::map<std::string, std::filesystem::path> images_by_id(const std::filesystem::path& folder);

/// Classes for a folder of label maps without a description: background and "1" .. the largest label in the files.
DatasetInfo info_of_references(const std::filesystem::path& references);

}  // namespace lamina::engine
