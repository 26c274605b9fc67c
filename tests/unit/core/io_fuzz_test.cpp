// Damaged files are refused in words or read; they never end the program.
#include "io_files.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/io/volume_io.hpp>

#include <gtest/gtest.h>

#include <cstring>

#include <torch/utils.h>

namespace lamina {
namespace {

std::string damaged(std::string bytes, Random& random) {
  if (random.chance(0.25))
    return bytes.substr(0, static_cast<size_t>(random.integer(0, static_cast<int64_t>(bytes.size()))));
  // Most fields that matter lie in the first 348 bytes; extreme values hurt more than random ones.
  const auto last = static_cast<int64_t>(random.chance(0.7) ? std::min<size_t>(bytes.size(), 348) : bytes.size()) - 1;
  for (int64_t i = random.integer(1, 8); i > 0; --i) {
    const auto at = static_cast<size_t>(random.integer(0, last));
    bytes[at] = static_cast<char>(random.chance(0.3) ? 0x7F : random.chance(0.3) ? 0xFF : random.integer(0, 255));
  }
  return bytes;
}

TEST(DamagedFiles, AreReadOrRefused) {
  const testing::TemporaryFolder folder;
  int64_t refused = 0, read = 0;
  for (const char* name :
       {"nibabel.07.nii", "header.second_version.nii", "header.big_endian.nii", "sitk.05.nii.gz", "scaled.nii"}) {
    const std::string bytes = testing::golden_bytes(name);
    Random random(hash_name(name));
    for (int i = 0; i < 120; ++i) {
      const auto file = folder.write(name, damaged(bytes, random));
      try {
        read_image(file);
        ++read;
      } catch (const DataError& error) {
        EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(read, 50);
}

TEST(DamagedFiles, PromisingMoreThanTheyHoldCostNoMemory) {
  const testing::TemporaryFolder folder;
  std::string bytes = testing::golden_bytes("nibabel.00.nii");
  for (const size_t axis : {42, 44, 46}) {
    const int16_t size = 32767;
    std::memcpy(bytes.data() + axis, &size, 2);
  }
  EXPECT_THROW(read_image(folder.write("huge.nii", bytes)), DataError);
}

}  // namespace
}  // namespace lamina
