// NIfTI against nibabel and SimpleITK: where voxels lie, what a copied header keeps, what is refused.
#include "expect_error.hpp"
#include "io_files.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/io/volume_io.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include <torch/utils.h>

namespace lamina {
namespace {

using testing::golden_files;
using ::testing::HasSubstr;
using testing::io_goldens;
using testing::message_of;
using testing::put;
using testing::TemporaryFolder;

// LPS position of each labelled voxel, by label.
std::map<int64_t, std::array<double, 3>> marks(const Volume& labels) {
  std::map<int64_t, std::array<double, 3>> found;
  const torch::Tensor indices = labels.voxels[0].nonzero();
  for (int64_t i = 0; i < indices.size(0); ++i) {
    std::array<double, 3> index{};
    torch::Tensor voxel = labels.voxels[0];
    for (int64_t axis = 0; axis < 3; ++axis) {
      const int64_t at = indices[i][axis].item<int64_t>();
      index[static_cast<size_t>(axis)] = static_cast<double>(at);
      voxel = voxel[at];
    }
    found[voxel.item<int64_t>()] = to_physical(labels.geometry, index);
  }
  return found;
}

void expect_marks(const Volume& labels, const std::string& file) {
  const torch::Tensor expected = io_goldens().at("positions");
  const auto found = marks(labels);
  ASSERT_EQ(found.size(), 5U) << file;
  for (const auto& [label, position] : found) {
    for (int64_t axis = 0; axis < 3; ++axis) {
      const double wanted = expected[label - 1][axis].item<double>();
      EXPECT_NEAR(position[static_cast<size_t>(axis)], wanted, 1e-4) << file << " label " << label;
    }
  }
}

class AllOrientations : public ::testing::TestWithParam<std::string> {};

TEST_P(AllOrientations, KeepThePhysicalPlaceOfEveryVoxel) {
  const TemporaryFolder folder;
  const auto names = golden_files(GetParam());
  EXPECT_GE(names.size(), GetParam() == "sitk" ? 96U : 48U);
  for (const auto& name : names) {
    const Volume read = read_labels(put(folder, name));
    expect_marks(read, name);
    if (GetParam() == "sitk") continue;
    for (const char* target : {"copy.nii.gz", "copy.nii", "copy.nrrd", "copy.mha"}) {
      write_labels(folder / target, read);
      expect_marks(read_labels(folder / target), name + " as " + target);
    }
    Volume bare = read;  // as from another format: a header made from the geometry alone
    bare.geometry.header = nullptr;
    write_labels(folder / "bare.nii.gz", bare);
    expect_marks(read_labels(folder / "bare.nii.gz"), name + " without its header");
  }
}

INSTANTIATE_TEST_SUITE_P(Nifti, AllOrientations, ::testing::Values("nibabel", "sitk"),
                         [](const auto& one) { return one.param; });

TEST(NiftiHeader, PutsVoxelsWhereNibabelDoes) {
  const TemporaryFolder folder;
  int compared = 0;
  for (const auto& name : golden_files("header.")) {
    const auto affine = io_goldens().find("affine." + name.substr(7, name.size() - 11));
    if (affine == io_goldens().end()) continue;
    ++compared;
    const Geometry geometry = read_frame(put(folder, name)).geometry;
    for (const auto& xyz : {std::array<double, 3>{0, 0, 0}, {2, 3, 4}, {1, 0, 4}}) {
      const auto position = to_physical(geometry, {xyz[2], xyz[1], xyz[0]});
      const torch::Tensor ras = affine->second.mv(torch::tensor({xyz[0], xyz[1], xyz[2], 1.0}, torch::kFloat64));
      for (int64_t axis = 0; axis < 3; ++axis) {
        const double wanted = (axis < 2 ? -1 : 1) * ras[axis].item<double>();
        EXPECT_NEAR(position[static_cast<size_t>(axis)], wanted, 2e-5 * (1 + std::abs(wanted))) << name;
      }
    }
  }
  EXPECT_GE(compared, 10);
}

// Bytes of pixdim, units, codes, quaternion, offsets and rows, in the machine's order.
std::string placing_fields(const std::string& header, bool other_order) {
  struct Run {
    size_t offset, width, count;
  };
  const bool second = header.size() == 540;
  const std::vector<Run> runs = second ? std::vector<Run>{{104, 8, 8}, {344, 4, 2}, {352, 8, 18}, {500, 4, 1}}
                                       : std::vector<Run>{{76, 4, 8}, {123, 1, 1}, {252, 2, 2}, {256, 4, 18}};
  std::string out;
  for (const auto& run : runs) {
    for (size_t i = 0; i < run.count; ++i) {
      std::string number = header.substr(run.offset + i * run.width, run.width);
      if (other_order) std::reverse(number.begin(), number.end());
      out += number;
    }
  }
  return out;
}

TEST(NiftiHeader, IsCopiedExactly) {
  const TemporaryFolder folder;
  const char* kept = std::getenv("LAMINA_PARITY_OUT");  // tests/parity/check_headers.py looks at what is left there
  const std::filesystem::path target = kept != nullptr ? std::filesystem::path(kept) : folder.path();
  for (const auto& name : golden_files("header.")) {
    const auto source = target / name, copy = target / ("copy." + name);
    write_file(source, testing::golden_bytes(name));
    const size_t size = name.find("second") == std::string::npos ? 348 : 540;
    write_labels(copy, read_labels(source));
    EXPECT_EQ(placing_fields(read_file(source).substr(0, size), name.find("big_endian") != std::string::npos),
              placing_fields(read_file(copy).substr(0, size), false))
        << name;
    EXPECT_TRUE(read_labels(copy).voxels.equal(read_labels(source).voxels)) << name;
  }
}

TEST(NiftiHeader, FollowsAGeometryThatChanged) {
  const TemporaryFolder folder;
  Volume labels = read_labels(put(folder, "header.both.nii"));
  labels.geometry.spacing = {2, 0.5, 0.25};
  labels.geometry.origin[0] += 100;
  write_labels(folder / "moved.nii", labels);
  const Geometry read = read_frame(folder / "moved.nii").geometry;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(read.spacing[i], labels.geometry.spacing[i], 1e-6);
    EXPECT_NEAR(read.origin[i], labels.geometry.origin[i], 1e-4);
  }
  const std::string before = testing::golden_bytes("header.both.nii"), after = read_file(folder / "moved.nii");
  EXPECT_EQ(before.substr(252, 4), after.substr(252, 4)) << "qform and sform codes";
}

TEST(Nifti, AppliesTheScaleOfTheFile) {
  const TemporaryFolder folder;
  const Volume image = read_image(put(folder, "scaled.nii"));
  EXPECT_EQ(image.voxels.min().item<float>(), -10);
  EXPECT_EQ(image.voxels.max().item<float>(), 2.5F * 5 - 10);
}

TEST(Nifti, KeepsImagesAndLabelsThroughWriting) {
  const TemporaryFolder folder;
  const torch::Tensor voxels = torch::arange(2 * 3 * 4 * 5, torch::kFloat32).reshape({2, 3, 4, 5}) * 0.37;
  write_image(folder / "image.nii.gz", {voxels, {}});
  EXPECT_TRUE(read_image(folder / "image.nii.gz").voxels.equal(voxels));
  for (const int64_t highest : {255, 256, 65535, 65536}) {
    const torch::Tensor labels = torch::tensor({int64_t{0}, highest}, torch::kInt64).reshape({1, 1, 1, 2});
    write_labels(folder / "labels.nii", {labels, {}});
    EXPECT_TRUE(read_labels(folder / "labels.nii").voxels.equal(labels));
    EXPECT_EQ(std::filesystem::file_size(folder / "labels.nii"), 352U + 2 * (highest < 256     ? 1
                                                                             : highest < 65536 ? 2
                                                                                               : 4));
  }
}

TEST(Nifti, RefusesBadFilesInWords) {
  const TemporaryFolder folder;
  const auto image = [&](const std::string& name) {
    return message_of<DataError>([&] { read_image(put(folder, name)); });
  };
  EXPECT_THAT(image("bad.sheared.nii"), HasSubstr("sform is not orthonormal"));
  EXPECT_THAT(image("bad.four_axes.nii"), HasSubstr("4 axes (3 x 4 x 5 x 3)"));
  EXPECT_THAT(image("bad.complex.nii"), HasSubstr("complex"));
  EXPECT_THAT(image("bad.holes.nii"), HasSubstr("2 of 60 voxels are NaN or infinite"));
  const auto labels = message_of<DataError>([&] { read_labels(put(folder, "bad.fractions.nii")); });
  EXPECT_THAT(labels, HasSubstr("3 voxels are no whole number (the first: "));
  EXPECT_THAT(labels, HasSubstr("bad.fractions.nii"));
}

TEST(Nifti, RefusesTruncatedFiles) {
  const TemporaryFolder folder;
  const std::string plain = testing::golden_bytes("nibabel.00.nii"), zipped = testing::golden_bytes("sitk.00.nii.gz");
  const auto refusal = [&](const std::string& name, const std::string& bytes) {
    return message_of<DataError>([&] { read_image(folder.write(name, bytes)); });
  };
  EXPECT_THAT(refusal("a.nii", plain.substr(0, plain.size() - 7)), HasSubstr("truncated: 53 of 60 bytes"));
  EXPECT_THAT(refusal("b.nii", plain.substr(0, 100)), HasSubstr("truncated"));
  EXPECT_THAT(refusal("c.nii.gz", zipped.substr(0, zipped.size() / 2)), HasSubstr("truncated"));
  EXPECT_THAT(refusal("d.nii.gz", ""), HasSubstr("truncated"));
  EXPECT_THAT(refusal("e.nii", std::string(1000, 'x')), HasSubstr("not a NIfTI file"));
}

TEST(Nifti, NamesTheFileThatIsMissing) {
  const auto message = message_of<DataError>([] { read_image("/nowhere/a.nii.gz"); });
  EXPECT_THAT(message, HasSubstr("/nowhere/a.nii.gz: there is no such file"));
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<DataError>([&] { read_image(folder.write("notes.txt", "x")); }),
              HasSubstr("not an image that lamina reads"));
}

TEST(Nifti, WritesTensorsOfAnyType) {
  const TemporaryFolder folder;
  const torch::Tensor voxels = torch::zeros({1, 2, 3, 4}, torch::kInt64);
  voxels.flatten().slice(0, 5).fill_(1);
  for (const auto type : {torch::kBool, torch::kUInt8, torch::kInt16, torch::kInt32}) {
    write_labels(folder / "labels.nii", {voxels.to(type), {}});
    EXPECT_TRUE(read_labels(folder / "labels.nii").voxels.equal(voxels)) << type;
  }
  for (const auto type : {torch::kHalf, torch::kBFloat16, torch::kFloat32, torch::kFloat64, torch::kInt32}) {
    write_image(folder / "image.nii", {voxels.to(type), {}});
    EXPECT_TRUE(read_image(folder / "image.nii").voxels.equal(voxels.to(torch::kFloat32))) << type;
  }
}

TEST(Nifti, SaysWhenTheFolderToWriteIntoIsMissing) {
  EXPECT_THROW(write_labels("/nowhere/a.nii.gz", {torch::zeros({1, 1, 2, 2}, torch::kInt64), {}}), StorageError);
}

}  // namespace
}  // namespace lamina
