// Folders of predictions: pairing by name, gaps, threads, errors.
#include "engine/evaluate/folder.hpp"

#include "evaluation_fixture.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/io/volume_io.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamina::engine {
using namespace probe;
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Label map [1, 4, 5, 6] with a box of the class at `start`.
void write_case(const fs::path& file, int64_t start, int64_t label = 1) {
  auto voxels = torch::zeros({1, 4, 5, 6}, torch::kInt64);
  voxels.slice(1, 1, 3).slice(3, start, start + 2).fill_(label);
  write_labels(file, {voxels, {}});
}

/// Three cases; the prediction of "b" is shifted by one voxel.
struct Folders {
  Folders() {
    fs::create_directories(predictions());
    fs::create_directories(references());
    for (const std::string id : {"a", "b", "c"}) {
      write_case(references() / (id + ".nii.gz"), 1);
      write_case(predictions() / (id + ".nii.gz"), id == "b" ? 2 : 1);
    }
  }
  fs::path predictions() const { return folder / "predictions"; }
  fs::path references() const { return folder / "references"; }
  TemporaryFolder folder;
};

TEST(EvaluateFolder, ScoresEveryCaseInOrder) {
  const Folders folders;
  const auto scores = evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}));
  ASSERT_EQ(scores.rows.size(), 6u);
  EXPECT_EQ(scores.rows[0].case_id, "a");
  EXPECT_EQ(scores.rows[0].value, 1);
  EXPECT_EQ(scores.rows[2].case_id, "b");
  EXPECT_DOUBLE_EQ(scores.rows[2].value, 0.5);
  EXPECT_EQ(scores.files.at("c").reference, folders.references() / "c.nii.gz");
}

TEST(EvaluateFolder, GivesTheSameRowsWithMoreThreads) {
  const Folders folders;
  for (int i = 0; i < 12; ++i) {
    const std::string name = "many" + std::to_string(i) + ".nii.gz";
    write_case(folders.references() / name, i % 4);
    write_case(folders.predictions() / name, (i * 7) % 4);
  }
  const auto one = evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}));
  const auto four = evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}), {4, false});
  ASSERT_EQ(one.rows.size(), four.rows.size());
  for (size_t i = 0; i < one.rows.size(); ++i) {
    EXPECT_EQ(one.rows[i].case_id, four.rows[i].case_id);
    EXPECT_EQ(one.rows[i].counts.both, four.rows[i].counts.both);
  }
}

TEST(EvaluateFolder, ListsMissingPredictions) {
  const Folders folders;
  fs::remove(folders.predictions() / "a.nii.gz");
  fs::remove(folders.predictions() / "c.nii.gz");
  try {
    evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}));
    FAIL() << "missing predictions were passed over";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 of 3 cases"));
    EXPECT_THAT(error.what(), HasSubstr("a, c"));
  }
  const auto scores = evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}), {1, true});
  EXPECT_THAT(scores.missing, ElementsAre("a", "c"));
  EXPECT_EQ(scores.rows.size(), 2u);
}

TEST(EvaluateFolder, TakesAnyFormatAndLeavesStrangersOut) {
  const Folders folders;
  fs::remove(folders.predictions() / "a.nii.gz");
  write_case(folders.predictions() / "a.nrrd", 1);
  write_case(folders.predictions() / "stranger.nii.gz", 1);
  write_file(folders.predictions() / "notes.txt", "not an image");
  const auto scores = evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}));
  EXPECT_EQ(scores.rows.size(), 6u);
  EXPECT_THAT(scores.unmatched, ElementsAre("stranger"));
}

TEST(EvaluateFolder, ReportsTheCaseThatFails) {
  const Folders folders;
  write_case(folders.predictions() / "b.nii.gz", 1, 7);
  for (const int64_t threads : {1, 3}) {
    try {
      evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"}), {threads, false});
      FAIL() << "label 7 of 3 classes was accepted";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("case 'b'"));
    }
  }
}

TEST(EvaluateFolder, RefusesTwoFilesOfOneNameAndWrongFolders) {
  const Folders folders;
  write_case(folders.predictions() / "a.nrrd", 1);
  EXPECT_THROW(evaluate_folder(folders.predictions(), folders.references(), evaluator({"dice"})), DataError);
  EXPECT_THROW(evaluate_folder(folders.folder / "nowhere", folders.references(), evaluator({"dice"})), DataError);
  EXPECT_THROW(evaluate_folder(folders.predictions() / "b.nii.gz", folders.references(), evaluator({"dice"})),
               DataError);
}

TEST(EvaluateFolder, FindsClassesInReferences) {
  const Folders folders;
  write_case(folders.references() / "d.nii.gz", 1, 3);
  EXPECT_THAT(info_of_references(folders.references()).classes, ElementsAre("background", "1", "2", "3"));
}

}  // namespace
}  // namespace lamina::engine
