// The other formats: DICOM series, NRRD, MetaImage, pictures.
#include "expect_error.hpp"
#include "io_files.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/io/volume_io.hpp>

#include <gmock/gmock.h>

#include <torch/utils.h>

namespace lamina {
namespace {

using testing::golden_bytes;
using ::testing::HasSubstr;
using testing::io_goldens;
using testing::message_of;
using testing::TemporaryFolder;

void put_series(const TemporaryFolder& folder, const std::string& names) {
  for (const char name : names) folder.write(std::string("series/") + name, golden_bytes(std::string("dicom.") + name));
}

std::string refusal_of_series(const TemporaryFolder& folder) {
  return message_of<DataError>([&] { read_image(folder / "series"); });
}

TEST(DicomSeries, IsSortedByPosition) {
  const TemporaryFolder folder;
  put_series(folder, "abcde");
  folder.write("series/readme.txt", "no picture");
  const Volume volume = read_image(folder / "series");
  EXPECT_TRUE(volume.voxels[0].equal(io_goldens().at("dicom.voxels")));
  const auto expected = io_goldens().at("dicom.geometry");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(volume.geometry.spacing[i], expected[static_cast<int64_t>(i)].item<double>(), 1e-5);
    EXPECT_NEAR(volume.geometry.origin[i], expected[static_cast<int64_t>(3 + i)].item<double>(), 1e-4);
  }
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(volume.geometry.direction[i], expected[static_cast<int64_t>(6 + i)].item<double>(), 1e-5);
  }
  EXPECT_EQ(volume.geometry.format, "dicom");
}

TEST(DicomSeries, MissesItsSlice) {
  const TemporaryFolder folder;
  put_series(folder, "dbac");
  EXPECT_THAT(refusal_of_series(folder),
              HasSubstr("uneven slices: 5 mm between b and a, elsewhere 2.5 mm (1 missing?)"));
}

TEST(DicomSeries, RefusesTwoSlicesAtOnePlace) {
  const TemporaryFolder folder;
  put_series(folder, "abcde");
  folder.write("series/again", golden_bytes("dicom.c"));
  EXPECT_THAT(refusal_of_series(folder), HasSubstr("lie at the same position"));
}

TEST(DicomSeries, ListsSeriesThatShareAFolder) {
  const TemporaryFolder folder;
  put_series(folder, "abcde");
  std::string other = golden_bytes("dicom.c");
  const size_t at = other.find("1.2.3.4");
  ASSERT_NE(at, std::string::npos);
  other.replace(at, 7, "1.2.3.5");
  folder.write("series/other", other);
  const auto message = refusal_of_series(folder);
  EXPECT_THAT(message, HasSubstr("holds 2 DICOM series"));
  EXPECT_THAT(message, HasSubstr("1.2.3.5: 1 file"));
}

TEST(DicomSeries, RefusesAFolderWithoutPictures) {
  const TemporaryFolder folder;
  folder.write("series/readme.txt", "no picture");
  EXPECT_THAT(refusal_of_series(folder), HasSubstr("without DICOM images (1 files looked at)"));
}

TEST(Pictures, KeepGreyAndColour) {
  const TemporaryFolder folder;
  const torch::Tensor grey = torch::arange(20, torch::kUInt8).reshape({4, 5});
  const torch::Tensor colour = torch::arange(60, torch::kUInt8).reshape({4, 5, 3});
  write_file(folder / "grey.png", encode_png(grey));
  write_file(folder / "colour.png", encode_png(colour));
  const Volume one = read_image(folder / "grey.png"), three = read_image(folder / "colour.png");
  EXPECT_TRUE(one.voxels[0][0].equal(grey.to(torch::kFloat32)));
  EXPECT_TRUE(three.voxels.permute({1, 2, 3, 0})[0].equal(colour.to(torch::kFloat32)));
  EXPECT_EQ(one.geometry.dimensions, 2);
}

TEST(Pictures, KeepLabels) {
  const TemporaryFolder folder;
  for (const int64_t highest : {3, 300}) {
    Volume labels{torch::randint(0, highest, {1, 1, 7, 9}, torch::kInt64), {}};
    labels.voxels[0][0][0][0] = highest;
    labels.geometry.dimensions = 2;
    for (const char* name : {"a.png", "a.tif"}) {
      write_labels(folder / name, labels);
      EXPECT_TRUE(read_labels(folder / name).voxels.equal(labels.voxels)) << name << " " << highest;
    }
  }
}

TEST(Pictures, AreRefusedWhereTheyCannotHoldTheData) {
  const TemporaryFolder folder;
  const Volume deep{torch::zeros({1, 2, 3, 3}, torch::kInt64), {}};
  const auto writing = [&](const char* name) {
    return message_of<DataError>([&] { write_labels(folder / name, deep); });
  };
  EXPECT_THAT(writing("a.png"), HasSubstr("one slice"));
  EXPECT_THAT(writing("a.jpg"), HasSubstr("does not write .jpg"));
  const auto colour = folder.write("b.png", encode_png(torch::zeros({2, 2, 3}, torch::kUInt8)));
  EXPECT_THAT(message_of<DataError>([&] { read_labels(colour); }), HasSubstr("has 3 channels"));
  EXPECT_THAT(message_of<DataError>([&] { read_image(folder.write("c.png", "no picture")); }), HasSubstr("c.png"));
}

TEST(OtherVolumes, KeepVoxelsAndGeometry) {
  const TemporaryFolder folder;
  Volume image{torch::rand({1, 3, 4, 5}), {}};
  image.geometry.spacing = {4, 0.5, 0.25};
  image.geometry.origin = {1, -2, 3};
  image.geometry.direction = {0.8, 0, 0.6, 0, -1, 0, 0.6, 0, -0.8};
  for (const char* name : {"a.nrrd", "a.mha", "a.nii.gz"}) {
    write_image(folder / name, image);
    const Volume back = read_image(folder / name);
    EXPECT_TRUE(back.voxels.equal(image.voxels)) << name;
    EXPECT_NEAR(corner_displacement(image.geometry, back.geometry, image.size()), 0, 1e-4) << name;
  }
}

TEST(OtherVolumes, AreRefusedWhenTruncated) {
  const TemporaryFolder folder;
  write_image(folder / "zipped.mha", {torch::rand({1, 3, 4, 5}), {}});
  write_image(folder / "zipped.nrrd", {torch::rand({1, 3, 4, 5}), {}});
  const std::map<std::string, std::string> files{{"plain.nrrd", golden_bytes("sitk.03.nrrd")},
                                                 {"plain.mha", golden_bytes("sitk.03.mha")},
                                                 {"zipped.mha", read_file(folder / "zipped.mha")},
                                                 {"zipped.nrrd", read_file(folder / "zipped.nrrd")}};
  for (const auto& [name, bytes] : files) {
    EXPECT_NO_THROW(read_image(folder.write(name, bytes))) << name;
    for (const size_t size : {bytes.size() - 30, bytes.size() / 2, size_t{10}}) {
      EXPECT_THROW(read_image(folder.write(name, bytes.substr(0, size))), DataError) << name << " cut to " << size;
    }
  }
}

}  // namespace
}  // namespace lamina
