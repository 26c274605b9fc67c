// What splits share, and how `data check`, plans and logs say it.
#include "engine/data/check.hpp"
#include "engine/data/split_overlap.hpp"
#include "study_fixture.hpp"

#include <lamina/io/volume_io.hpp>

#include <torch/utils.h>

namespace lamina::engine::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Ids = std::vector<std::string>;

/// Cases "<patient>_<scan>" of two voxels.
class Split3 : public Dataset {
 public:
  Split3(Ids train, Ids val, Ids test, Ids unused = {}) : parts_{train, val, test}, unused_(std::move(unused)) {}
  DatasetInfo info() const override { return {"made", {"CT"}, {"background", "organ"}, {}, {}, "", false}; }
  Ids ids(Split split) const override { return parts_[static_cast<size_t>(split)]; }
  std::vector<CaseName> cases() const override {
    std::vector<CaseName> all;
    for (const auto& part : {parts_[0], parts_[1], parts_[2], unused_}) {
      for (const auto& id : part) all.push_back({id, id.substr(0, id.find('_'))});
    }
    return all;
  }
  Case load(const std::string& id, WithLabels) const override {
    Case one;
    one.id = id;
    one.images = Streams<Volume>({torch::tensor({0.f, 1.f}).view({1, 1, 1, 2}), {}});
    one.labels = Streams<Volume>({torch::tensor({0, 1}).view({1, 1, 1, 2}), {}});
    return one;
  }
  std::string fingerprint() const override { return "made"; }

 private:
  std::array<Ids, 3> parts_;
  Ids unused_;
};

Ids faults(const Dataset& dataset, bool warning) {
  Ids all;
  for (const auto& fault : check_data(dataset, {}).faults) {
    if (fault.warning == warning) all.push_back(fault.what);
  }
  return all;
}

TEST(SplitOverlap, IsSilentWhereThereIsNone) {
  const Split3 clean({"a_1", "a_2"}, {"b_1"}, {"c_1"});
  EXPECT_THAT(split_warnings(clean), IsEmpty());
  EXPECT_THAT(faults(clean, true), IsEmpty());
  EXPECT_TRUE(check_data(clean, {}).usable());
}

TEST(SplitOverlap, OfValidationAndTestIsAWarning) {
  const Split3 released({"a_1"}, {"b_1", "c_1"}, {"b_1", "c_1"});
  const std::string sentence = "validation and test intersect: 2 cases; the chosen checkpoint has seen them";
  EXPECT_THAT(split_warnings(released), ElementsAre(sentence));
  EXPECT_THAT(faults(released, true), ElementsAre(sentence));
  EXPECT_THAT(faults(released, false), IsEmpty());
  EXPECT_THAT(check_data(released, {}).to_text(), HasSubstr("train 1, val 2, test 2"));
}

TEST(SplitOverlap, OfPatientsCountsPatientsAndNamesThem) {
  const Split3 scans({"a_1"}, {"b_1", "c_1"}, {"b_2", "c_1", "d_1"});
  EXPECT_THAT(split_warnings(scans),
              ElementsAre("validation and test intersect: 1 case; the chosen checkpoint has seen them",
                          "validation and test intersect: other cases of 1 patient (b); the chosen checkpoint has "
                          "seen them"));
}

TEST(SplitOverlap, OfTrainingAndTestMakesDataUnusable) {
  for (const auto& test : {Ids{"a_1"}, Ids{"a_2"}}) {  // the case itself, another one of its patient
    const Split3 leaking({"a_1"}, {"b_1"}, test);
    EXPECT_THAT(faults(leaking, false), Contains(HasSubstr("training and test intersect")));
    EXPECT_FALSE(check_data(leaking, {}).usable());
    EXPECT_THAT(split_warnings(leaking), Contains(HasSubstr("the model has learned from them")));
  }
}

TEST(SplitOverlap, OfTrainingAndValidationPatientsIsAWarning) {
  const Split3 folds({"a_1", "b_1"}, {"a_2"}, {"c_1"});
  EXPECT_THAT(faults(folds, true), Contains(HasSubstr("training and validation intersect: other cases of 1 patient")));
  EXPECT_TRUE(check_data(folds, {}).usable());
  EXPECT_FALSE(check_data(Split3({"a_1"}, {"a_1"}, {"c_1"}), {}).usable());
}

TEST(SplitOverlap, CasesOfNoPartAreReported) {
  const Split3 rest({"a_1"}, {"b_1"}, {"c_1"}, {"x_1", "y_1"});
  EXPECT_THAT(faults(rest, true), ElementsAre("2 cases are in no part of the split: x_1, y_1"));
  EXPECT_THAT(unused_cases(rest), ElementsAre("x_1", "y_1"));
}

/// Thirty files of Synapse's names.
class PresetStudyTest : public StudyTest {
 protected:
  PresetStudyTest() {
    for (const char* part : {"imagesTr", "labelsTr"}) make_folder(folder / "Synapse" / part);
    write_file(folder / "Synapse" / "dataset.json",
               R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "organ": 1}, "numTraining": 30,
                   "file_ending": ".nii.gz"})");
    for (int i = 1; i <= 40; ++i) {
      if (i > 10 && i <= 20) continue;
      const std::string id = text("img00", i < 10 ? "0" : "", i);
      write_image(folder / "Synapse" / "imagesTr" / (id + "_0000.nii.gz"), {torch::zeros({1, 2, 4, 4}), {}});
      write_labels(folder / "Synapse" / "labelsTr" / (id + ".nii.gz"), {torch::ones({1, 2, 4, 4}, torch::kInt64), {}});
    }
  }
  Plan plan(const std::string& split) const {
    return make_plan(load("small.json", {R"(dataset={"type":"nnunet_raw","root":"Synapse","split":)" + split + "}"}),
                     how(), registry);
  }
};

TEST_F(PresetStudyTest, ReportsTheReleasedSplitOnceForAllArms) {
  const auto warnings = plan(R"({"preset":"synapse_18_12","compat":"release"})").warnings;
  EXPECT_EQ(std::count(warnings.begin(), warnings.end(),
                       "validation and test intersect: 12 cases; the chosen checkpoint has seen them"),
            1);
}

TEST_F(PresetStudyTest, HasNothingToSayOfTheRepairedOne) {
  EXPECT_THAT(plan(R"({"preset":"synapse_18_12"})").warnings, Not(Contains(HasSubstr("intersect"))));
}

TEST_F(PresetStudyTest, WarnsOfASplitFileToo) {
  write_file(folder / "s.json", R"([{"train": ["img0005"], "val": ["img0001"], "test": ["img0001", "img0002"]}])");
  EXPECT_THAT(plan(R"({"file":"s.json"})").warnings, Contains(HasSubstr("validation and test intersect: 1 case;")));
}

}  // namespace
}  // namespace lamina::engine::testing
