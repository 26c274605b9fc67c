// nnU-Net folders: found, split, checked.
#include "nnunet_raw.hpp"

#include "expect_error.hpp"
#include "temporary_folder.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <gmock/gmock.h>

#include <set>

#include <torch/utils.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::TemporaryFolder;

constexpr const char* kJson = R"({"channel_names": {"0": "T1", "1": "T2"}, "labels": {"background": 0, "a": 1, "b": 2},
  "numTraining": 10, "file_ending": ".nii.gz", "name": "made"})";

Volume made(const std::vector<int64_t>& shape, double value, torch::ScalarType type) {
  return {torch::full(shape, value, type), {}};
}

// Patients p0, p1, ...; two cases each.
class NnunetRawTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("dataset.json", kJson);
    std::filesystem::create_directories(folder_ / "imagesTr");
    std::filesystem::create_directories(folder_ / "labelsTr");
    for (int i = 0; i < 10; ++i) write_case(text("p", i / 2, "_f", i % 2));
  }

  void write_case(const std::string& id) {
    for (const char* channel : {"_0000", "_0001"}) {
      write_image(folder_ / ("imagesTr/" + id + channel + ".nii.gz"), made({1, 3, 4, 5}, channel[4], torch::kFloat32));
    }
    write_labels(label(id), made({1, 3, 4, 5}, 2, torch::kInt64));
  }

  std::filesystem::path label(const std::string& id) const { return folder_ / ("labelsTr/" + id + ".nii.gz"); }

  NnunetRawOptions options() const {
    NnunetRawOptions options;
    options.root = folder_.path().string();
    return options;
  }

  TemporaryFolder folder_;
};

TEST_F(NnunetRawTest, LoadsChannelsInOrderAndLabels) {
  const NnunetRaw data(options(), {});
  const Case one = data.load("p3_f1", WithLabels::Yes);
  EXPECT_EQ(one.images.primary().voxels.sizes(), (std::vector<int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(one.images.primary().voxels[1][0][0][0].item<float>(), '1');
  EXPECT_EQ(one.labels.primary().voxels.max().item<int64_t>(), 2);
  EXPECT_FALSE(data.load("p3_f1", WithLabels::No).has_label());
  EXPECT_EQ(data.info().classes, (std::vector<std::string>{"background", "a", "b"}));
}

TEST_F(NnunetRawTest, KeepsPatientsTogether) {
  auto chosen = options();
  chosen.group = "^(p[0-9]+)";
  const NnunetRaw data(chosen, {});
  std::set<std::string> all, groups;
  size_t count = 0;
  for (const auto split : {Split::Train, Split::Val, Split::Test}) {
    std::set<std::string> here;
    for (const auto& id : data.ids(split)) {
      all.insert(id);
      here.insert(id.substr(0, 2));
    }
    count += here.size();
    groups.insert(here.begin(), here.end());
  }
  EXPECT_EQ(all.size(), 10U);
  EXPECT_EQ(count, groups.size()) << "a patient is in two splits";
  EXPECT_EQ(data.ids(Split::Test).size(), 2U);
}

TEST_F(NnunetRawTest, SplitsAsNnunetDoes) {
  auto chosen = options();
  chosen.split.nnunet_fold = 1;
  EXPECT_EQ(NnunetRaw(chosen, {}).ids(Split::Val), (std::vector<std::string>{"p1_f1", "p4_f1"}));  // 3 and 9 of 10
}

TEST_F(NnunetRawTest, ReadsASplitFile) {
  folder_.write(
      "splits_final.json",
      R"([{"train": ["p0_f0"], "val": ["p1_f0"]}, {"train": ["p2_f0"], "val": ["p1_f1"], "test": ["p4_f0"]}])");
  auto chosen = options();
  chosen.split.file = "splits_final.json";
  chosen.split.fold = 1;
  const NnunetRaw data(chosen, {});
  EXPECT_EQ(data.ids(Split::Train), std::vector<std::string>{"p2_f0"});
  EXPECT_EQ(data.ids(Split::Test), std::vector<std::string>{"p4_f0"});
}

TEST_F(NnunetRawTest, ListsCasesThatTheSplitFileNamesButTheFolderLacks) {
  folder_.write("s.json", R"([{"train": ["p0_f0", "p7_f0", "p8_f0"], "val": []}])");
  auto chosen = options();
  chosen.split.file = "s.json";
  EXPECT_THAT(message_of<DataError>([&] { NnunetRaw(chosen, {}); }),
              HasSubstr("names 2 cases that the dataset lacks: p7_f0, p8_f0"));
}

TEST_F(NnunetRawTest, RefusesACaseThatIsInTrainAndTest) {
  folder_.write("s.json", R"([{"train": ["p0_f0"], "val": [], "test": ["p0_f0"]}])");
  auto chosen = options();
  chosen.split.file = "s.json";
  EXPECT_THAT(message_of<DataError>([&] { NnunetRaw(chosen, {}); }), HasSubstr("in train and in val or test: p0_f0"));
}

TEST_F(NnunetRawTest, TakesASplitFileThatValidatesOnItsTest) {
  folder_.write("s.json", R"([{"train": ["p0_f0"], "val": ["p1_f0"], "test": ["p1_f0", "p2_f0"]}])");
  auto chosen = options();
  chosen.split.file = "s.json";
  chosen.group = "^(p[0-9]+)";
  const NnunetRaw data(chosen, {});
  EXPECT_EQ(data.ids(Split::Val), std::vector<std::string>{"p1_f0"});
  EXPECT_EQ(data.ids(Split::Test), (std::vector<std::string>{"p1_f0", "p2_f0"}));
  ASSERT_EQ(data.cases().size(), 10U);  // those that no part has, too
  EXPECT_EQ(data.cases().back().id, "p4_f1");
  EXPECT_EQ(data.cases().back().group, "p4");
}

TEST_F(NnunetRawTest, NamesItsFolderWhereAPresetsCasesAreMissing) {
  auto chosen = options();
  chosen.split.preset = "btcv_24_6_masam";
  // The last numbers of its names are 0 and 1, five times each; the preset has a case 1.
  EXPECT_THAT(message_of<DataError>([&] { NnunetRaw(chosen, {}); }),
              ::testing::AllOf(HasSubstr(folder_.path().string()), HasSubstr("same number")));
  chosen.split.preset = "acdc_70_10_20";
  EXPECT_THAT(message_of<DataError>([&] { NnunetRaw(chosen, {}); }),
              HasSubstr(folder_.path().string() + " lacks 96 of its 100 patients: patient005"));
}

TEST_F(NnunetRawTest, ListsMissingFilesAtOnce) {
  std::filesystem::remove(label("p1_f0"));
  std::filesystem::remove(folder_ / "imagesTr/p2_f0_0000.nii.gz");
  const auto message = message_of<DataError>([&] { NnunetRaw(options(), {}); });
  EXPECT_THAT(message, HasSubstr("p1_f0.nii.gz"));
  EXPECT_THAT(message, HasSubstr("p2_f0_0000.nii.gz"));
}

TEST_F(NnunetRawTest, RefusesUndeclaredLabels) {
  write_labels(label("p0_f0"), made({1, 3, 4, 5}, 7, torch::kInt64));
  const NnunetRaw data(options(), {});
  const auto message = message_of<DataError>([&] { data.load("p0_f0", WithLabels::Yes); });
  EXPECT_THAT(message, HasSubstr("found 7 in "));
  EXPECT_THAT(message, HasSubstr("declared 0..2"));
}

TEST_F(NnunetRawTest, RefusesALabelOfAnotherSizeOrSpacing) {
  write_labels(label("p0_f0"), made({1, 3, 4, 6}, 1, torch::kInt64));
  Volume spaced = made({1, 3, 4, 5}, 1, torch::kInt64);
  spaced.geometry.spacing = {2, 1, 1};
  write_labels(label("p0_f1"), spaced);
  const NnunetRaw data(options(), {});
  EXPECT_THAT(message_of<DataError>([&] { data.load("p0_f0", WithLabels::Yes); }), HasSubstr("3 x 4 x 6"));
  EXPECT_THAT(message_of<DataError>([&] { data.load("p0_f1", WithLabels::Yes); }), HasSubstr("spacing 2 x 1 x 1"));
}

TEST_F(NnunetRawTest, RefusesNaN) {
  write_image(folder_ / "imagesTr/p0_f0_0000.nii.gz", made({1, 3, 4, 5}, NAN, torch::kFloat32));
  const NnunetRaw data(options(), {});
  EXPECT_THAT(message_of<DataError>([&] { data.load("p0_f0", WithLabels::No); }), HasSubstr("60 of 60 voxels are NaN"));
}

TEST_F(NnunetRawTest, ChangesItsFingerprintWithTheData) {
  const std::string before = NnunetRaw(options(), {}).fingerprint();
  EXPECT_EQ(before, NnunetRaw(options(), {}).fingerprint());
  write_labels(label("p0_f0"), made({1, 3, 4, 5}, 1, torch::kInt64));
  EXPECT_NE(before, NnunetRaw(options(), {}).fingerprint());
}

std::string refusal_of_description(const std::string& json) {
  const TemporaryFolder folder;
  folder.write("dataset.json", json);
  return message_of<DataError>([&] { read_description(folder.path()); });
}

TEST(NnunetDescription, SaysWhatIsWrong) {
  EXPECT_THAT(refusal_of_description(R"({"labels": {"background": 0, "a": 1}})"), HasSubstr("channel_names"));
  EXPECT_THAT(refusal_of_description(R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 2}})"),
              HasSubstr("'a' has 2, expected 1"));
  EXPECT_THAT(refusal_of_description(R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "whole": [1, 2]}})"),
              HasSubstr("region"));
  EXPECT_THAT(
      refusal_of_description(R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 1, "ignore": 5}})"),
      HasSubstr("'ignore' is 5"));
}

TEST(NnunetDescription, ReadsTheOlderForm) {
  const TemporaryFolder folder;
  folder.write("dataset.json",
               R"({"modality": {"0": "MRI"}, "labels": {"0": "background", "1": "Anterior", "2": "Posterior"}})");
  const auto description = read_description(folder.path());
  EXPECT_EQ(description.info.channels, std::vector<std::string>{"MRI"});
  EXPECT_EQ(description.info.classes, (std::vector<std::string>{"background", "Anterior", "Posterior"}));
  EXPECT_EQ(description.file_ending, ".nii.gz");
}

TEST(NnunetRaw, SaysWhereItLookedForTheRoot) {
  NnunetRawOptions options;
  options.root = "Dataset999_Nowhere";
  EXPECT_THAT(message_of<ConfigError>([&] { NnunetRaw(options, {"/tmp"}); }),
              HasSubstr("looked for /tmp/Dataset999_Nowhere"));
}

TEST(NnunetRaw, LoadsTheHippocampus) {
  const char* data_folder = std::getenv("LAMINA_DATA");
  if (data_folder == nullptr ||
      !std::filesystem::exists(std::filesystem::path(data_folder) / "Dataset004_Hippocampus")) {
    GTEST_SKIP() << "no real data: set LAMINA_DATA to a folder with Dataset004_Hippocampus";
  }
  NnunetRawOptions options;
  options.root = "Dataset004_Hippocampus";
  const NnunetRaw data(options, {});
  EXPECT_EQ(data.ids(Split::Train).size() + data.ids(Split::Val).size() + data.ids(Split::Test).size(), 200U);
  const Case one = data.load(data.ids(Split::Val).front(), WithLabels::Yes);
  EXPECT_EQ(one.labels.primary().voxels.max().item<int64_t>(), 2);
}

}  // namespace
}  // namespace lamina
