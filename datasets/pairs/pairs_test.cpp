// Pairs by list and by folder.
#include "pairs.hpp"

#include "expect_error.hpp"
#include "temporary_folder.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <gmock/gmock.h>

#include <torch/utils.h>

namespace lamina {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::TemporaryFolder;

class PairsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"images", "masks"}) std::filesystem::create_directories(folder_ / folder);
    for (int i = 0; i < 6; ++i) {
      write_file(folder_ / text("images/c", i, ".png"), encode_png(torch::full({4, 5}, 10 * i, torch::kUInt8)));
      write_file(folder_ / text("masks/c", i, "_mask.png"),
                 encode_png(torch::full({4, 5}, i == 0 ? 255 : 1, torch::kUInt8)));
    }
  }

  PairsOptions listed(const std::string& csv) const {
    PairsOptions options;
    options.list = folder_.write("list.csv", csv).string();
    return options;
  }

  PairsOptions folders() const {
    PairsOptions options;
    options.root = folder_.path().string();
    options.images = "images";
    options.labels = "masks";
    options.label_pattern = "(.*)_mask";
    return options;
  }

  TemporaryFolder folder_;
};

TEST_F(PairsTest, MatchesFoldersByPattern) {
  const Pairs data(folders(), {});
  EXPECT_EQ(data.ids(Split::Train).size() + data.ids(Split::Val).size() + data.ids(Split::Test).size(), 6U);
  const Case one = data.load("c3", WithLabels::Yes);
  EXPECT_EQ(one.images.primary().voxels.sizes(), (std::vector<int64_t>{1, 1, 4, 5}));
  EXPECT_EQ(one.images.primary().geometry.dimensions, 2);
  EXPECT_EQ(one.labels.primary().voxels.sum().item<int64_t>(), 20);
}

TEST_F(PairsTest, NamesImagesWithoutLabel) {
  std::filesystem::remove(folder_ / "masks/c4_mask.png");
  EXPECT_THAT(message_of<DataError>([&] { Pairs(folders(), {}); }), HasSubstr("for the images c4"));
}

TEST_F(PairsTest, ReadsMasksOfAnyColourWhenAsked) {
  auto options = folders();
  EXPECT_THAT(message_of<DataError>([&] { Pairs(options, {}).load("c0", WithLabels::Yes); }), HasSubstr("found 255"));
  options.label_values = "mask";
  EXPECT_EQ(Pairs(options, {}).load("c0", WithLabels::Yes).labels.primary().voxels.max().item<int64_t>(), 1);
}

TEST_F(PairsTest, ReadsAListWithGroupsAndSplits) {
  const Pairs data(listed("case,image,label,group,split\n"
                          "a,images/c1.png,masks/c1_mask.png,one,train\n"
                          "\"b\",images/c2.png,masks/c2_mask.png,one,test\n"),
                   {});
  EXPECT_EQ(data.ids(Split::Train), std::vector<std::string>{"a"});
  EXPECT_EQ(data.ids(Split::Test), std::vector<std::string>{"b"});
  EXPECT_EQ(data.load("b", WithLabels::Yes).group, "one");
}

TEST_F(PairsTest, StacksSeveralImagesAsChannels) {
  auto options = listed("case,image,label,split\na,images/c1.png;images/c2.png,masks/c1_mask.png,train\n");
  EXPECT_THAT(message_of<DataError>([&] { Pairs(options, {}).load("a", WithLabels::Yes); }),
              HasSubstr("gives 2 channels; the dataset declares 1"));
  options.channels = {"first", "second"};
  const Case one = Pairs(options, {}).load("a", WithLabels::Yes);
  EXPECT_EQ(one.images.primary().voxels[1].max().item<float>(), 20);
}

TEST_F(PairsTest, SaysWhatIsWrongInAList) {
  const auto refusal = [&](const std::string& csv) { return message_of<DataError>([&] { Pairs(listed(csv), {}); }); };
  EXPECT_THAT(refusal("case,imag\na,b\n"), HasSubstr("unknown column 'imag' (did you mean 'image'?)"));
  EXPECT_THAT(refusal("case,label\na,b\n"), HasSubstr("lacks the column 'image'"));
  EXPECT_THAT(refusal("case,image\na,images/c9.png\n"), HasSubstr("images/c9.png"));
  EXPECT_THAT(refusal("case,image\na,images/c1.png\na,images/c2.png\n"), HasSubstr("line 3: case 'a' is named twice"));
  EXPECT_THAT(refusal("case,image,split\na,images/c1.png,tset\n"), HasSubstr("expected train, val or test"));
}

TEST(PairsOptions, WantListOrFolders) {
  OptionErrors errors;
  PairsOptions().check(errors, "dataset");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.problems().front(), HasSubstr("either 'list'"));
}

}  // namespace
}  // namespace lamina
