// The archive around a torch file: what is read, and what is refused before memory is taken.
#include "engine/weights/zip_archive.hpp"

#include "expect_error.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace lamina::engine::testing {
namespace {

using lamina::testing::message_of;
using ::testing::AnyOf;
using ::testing::HasSubstr;

std::string archive_bytes(const std::string& name) {
  return read_file(std::string(LAMINA_TEST_SOURCE_DIR) + "/tests/parity/torch_files/" + name);
}

std::string archive_refusal(const std::string& bytes) {
  return message_of<DataError>([&] {
    const ZipArchive archive(bytes, "made");
    for (const ZipMember& member : archive.members()) archive.read(member);
  });
}

/// Changes a field of every entry of the central directory.
template <class Number>
std::string with_field(std::string bytes, size_t offset, Number value) {
  for (size_t at = bytes.find("PK\x01\x02"); at != std::string::npos; at = bytes.find("PK\x01\x02", at + 4))
    std::memcpy(bytes.data() + at + offset, &value, sizeof(value));
  return bytes;
}

TEST(ZipArchives, MembersAreFoundAndRead) {
  const ZipArchive archive(std::filesystem::path(LAMINA_TEST_SOURCE_DIR) / "tests/parity/torch_files/small.pth");
  const ZipMember* order = archive.find("small/byteorder");
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(archive.read(*order), "little");
  ASSERT_NE(archive.find("small/data/0"), nullptr);
  EXPECT_EQ(archive.find("small/data/0")->bytes, 24U);
  EXPECT_EQ(archive.find("small/data/2"), nullptr);
}

TEST(ZipArchives, WhatIsNoneIsRefused) {
  EXPECT_THAT(archive_refusal("PK\x03\x04 and then nothing"), HasSubstr("made: cannot be read as a zip archive"));
  EXPECT_THAT(message_of<DataError>([] { ZipArchive("/nowhere/a.pth"); }), HasSubstr("/nowhere/a.pth: cannot be read"));
}

TEST(ZipArchives, CompressedAndEncryptedOnesAreRefused) {
  EXPECT_THAT(archive_refusal(archive_bytes("compressed.pth")), HasSubstr("is compressed (member 'small/"));
  constexpr size_t kFlags = 8;
  EXPECT_THAT(archive_refusal(with_field(archive_bytes("small.pth"), kFlags, uint16_t{1})), HasSubstr("is encrypted"));
}

TEST(ZipArchives, SizesAreNotBelieved) {
  constexpr size_t kStored = 20, kPlain = 24;
  const std::string bytes = archive_bytes("small.pth");
  EXPECT_THAT(archive_refusal(with_field(bytes, kPlain, uint32_t{0x7FFFFFFF})), HasSubstr("has two sizes"));
  EXPECT_THAT(
      archive_refusal(with_field(with_field(bytes, kPlain, uint32_t{0x7FFFFFFF}), kStored, uint32_t{0x7FFFFFFF})),
      HasSubstr("claim more bytes than the file has"));
  // every member claims almost the whole file
  const auto much = static_cast<uint32_t>(bytes.size() - 200);
  EXPECT_THAT(archive_refusal(with_field(with_field(bytes, kPlain, much), kStored, much)),
              HasSubstr("claim more bytes"));
}

TEST(ZipArchives, ChangedNumbersAreFoundByTheChecksum) {
  std::string bytes = archive_bytes("small.pth");
  const float one = 1;
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&one), sizeof(one)));
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 1;
  EXPECT_THAT(archive_refusal(bytes), HasSubstr("member 'small/data/"));
  EXPECT_THAT(archive_refusal(bytes), HasSubstr("is damaged"));
}

TEST(ZipArchives, AnyCutIsRefused) {
  const std::string whole = archive_bytes("small.pth");
  for (size_t length = 1; length < whole.size(); length += 7)
    EXPECT_THAT(archive_refusal(whole.substr(0, length)), HasSubstr("made: ")) << length;
}

}  // namespace
}  // namespace lamina::engine::testing
