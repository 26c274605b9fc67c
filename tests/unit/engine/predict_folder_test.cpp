// Folders of cases: what counts as a case, and many of them predicted.
#include "predict_fixture.hpp"

#include <lamina/io/volume_io.hpp>

#include <fstream>

namespace lamina::engine::testing {

class FolderCases : public Predicting {
 protected:
  FolderCases() { std::filesystem::create_directories(folder / "in"); }

  void touch(const std::string& name) const {
    std::filesystem::create_directories((folder / "in" / name).parent_path());
    std::ofstream(folder / "in" / name) << "x";
  }

  /// "id: file file; id: file"
  std::string listed(const std::string& what = "") const {
    std::string words;
    for (const FolderCase& one : list_folder_cases(folder / "in" / what, info)) {
      words += (words.empty() ? "" : "; ") + one.id + ":";
      for (const auto& file : one.channels) words += " " + file.filename().string();
    }
    return words;
  }

  std::string refusal(const std::string& what = "") const {
    try {
      return "accepted: " + listed(what);
    } catch (const DataError& error) {
      return error.what();
    }
  }
};

TEST_F(FolderCases, AreNamedAsNnunetNamesThem) {
  for (const char* name :
       {"b_0001.nii.gz", "b_0000.nii.gz", "a_0000.nii.gz", "a_0001.nii.gz", "notes.txt", ".hidden.nii.gz"})
    touch(name);
  info.channels = {"T1", "T2"};
  EXPECT_EQ(listed(), "a: a_0000.nii.gz a_0001.nii.gz; b: b_0000.nii.gz b_0001.nii.gz");
  EXPECT_EQ(listed("a_0001.nii.gz"), "a: a_0000.nii.gz a_0001.nii.gz");
}

TEST_F(FolderCases, MayBePlainFilesOfOneChannel) {
  for (const char* name : {"x.nii.gz", "y_0000.nii.gz", "frame_0001.png", "frame_0002.png"}) touch(name);
  EXPECT_EQ(listed(), "frame_0001: frame_0001.png; frame_0002: frame_0002.png; x: x.nii.gz; y: y_0000.nii.gz");
  EXPECT_EQ(listed("y_0000.nii.gz"), "y: y_0000.nii.gz");
  EXPECT_EQ(listed("frame_0002.png"), "frame_0002: frame_0002.png");
}

TEST_F(FolderCases, MayBeFoldersOfDicomSlices) {
  for (const char* name : {"p1/1.dcm", "p1/2.dcm", "p2/IM0001", "p2/IM0002", "other/a.txt"}) touch(name);
  EXPECT_EQ(listed(), "p1: p1; p2: p2");
  EXPECT_EQ(listed("p1"), "p1: p1");
}

TEST_F(FolderCases, WithMissingOrSurplusChannelsAreRefused) {
  touch("a_0000.nii.gz");
  info.channels = {"T1", "T2"};
  EXPECT_EQ(refusal(), "case a lacks channels: a_0001 (T2); the model was trained on T1, T2");
  touch("a_0001.nii.gz");
  touch("a_0002.nii.gz");
  EXPECT_EQ(refusal(), "case a has 3 channels, expected 2 (T1, T2); surplus: a_0002.nii.gz");
}

TEST_F(FolderCases, OfTheSameNameAreRefused) {
  touch("a.nii.gz");
  touch("a.mha");
  EXPECT_NE(refusal().find("two inputs would be the case 'a'"), std::string::npos) << refusal();
}

TEST_F(FolderCases, MustExist) {
  EXPECT_NE(refusal().find("holds no images"), std::string::npos);
  EXPECT_NE(refusal("nowhere").find("there is no file or folder"), std::string::npos);
}

TEST_F(FolderCases, ArePredictedFromTheCheckpointAlone) {
  const Case raw = blocks();
  write_image(folder / "in" / "case_a.nii.gz", raw.images.primary());
  const Predictor predictor({checkpoint("run")}, *registry);
  const auto cases = list_folder_cases(folder / "in", predictor.dataset());
  ASSERT_EQ(cases.size(), 1u);
  const auto load = [&](const std::string&) { return load_folder_case(cases[0], predictor.dataset()); };
  const auto out = folder / "out" / "case_a.nii.gz";
  EXPECT_TRUE(predict_all(predictor, {{"case_a", out}}, load, false).empty());
  const Volume labels = read_labels(out);
  EXPECT_TRUE(at::equal(labels.voxels.to(at::kFloat), expected(raw)));
  EXPECT_LT(corner_displacement(labels.geometry, raw.images.primary().geometry, labels.size()), 1e-4);
}

TEST_F(FolderCases, ThatFailAreToldAndTheRestGoesOn) {
  const Predictor predictor({checkpoint("run")}, *registry);
  const auto load = [&](const std::string& id) {
    if (id == "bad") throw DataError("truncated");
    return blocks();
  };
  const auto failures =
      predict_all(predictor, {{"bad", folder / "bad.nii.gz"}, {"good", folder / "good.nii.gz"}}, load, false);
  EXPECT_EQ(failures, std::vector<std::string>{"bad: truncated"});
  EXPECT_TRUE(std::filesystem::exists(folder / "good.nii.gz"));
  EXPECT_FALSE(std::filesystem::exists(folder / "bad.nii.gz"));
}

TEST_F(FolderCases, ThatArePredictedAlreadyAreSkippedOnResume) {
  const Predictor predictor({checkpoint("run")}, *registry);
  int loads = 0;
  const auto load = [&](const std::string&) { return ++loads, blocks(); };
  const std::vector<PredictTarget> targets{{"a", folder / "a.nii.gz"}, {"b", folder / "b.nii.gz"}};
  predict_all(predictor, {targets[0]}, load, true);
  predict_all(predictor, targets, load, true);
  EXPECT_EQ(loads, 2);
  predict_all(predictor, targets, load, false);
  EXPECT_EQ(loads, 4);
}

}  // namespace lamina::engine::testing
