// Files that are the old one or the new one; refusals in words, no temporary file left.
#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

namespace lamina {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class AtomicFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / text("lamina-atomic-", getpid());
    make_folder(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  std::string refusal(const std::function<void()>& act) const {
    try {
      act();
    } catch (const StorageError& error) {
      return error.what();
    }
    return "no StorageError";
  }

  fs::path folder_;
};

TEST_F(AtomicFile, WritesAndReadsBackEveryByte) {
  std::string content(100000, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  write_file(folder_ / "a.bin", content);
  EXPECT_EQ(read_file(folder_ / "a.bin"), content);
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, ReplacesTheOldFile) {
  write_file(folder_ / "a", std::string("old"));
  write_file(folder_ / "a", std::string("new"));
  EXPECT_EQ(read_file(folder_ / "a"), "new");
}

TEST_F(AtomicFile, GivesAWriterATemporaryNameWithTheSameExtension) {
  std::string name;
  write_file(folder_ / "scan.nii.gz", [&](const fs::path& path) {
    name = path.filename().string();
    std::ofstream(path) << "x";
    EXPECT_FALSE(fs::exists(folder_ / "scan.nii.gz")) << "the final name must not exist before the file is complete";
  });
  EXPECT_TRUE(name.ends_with("scan.nii.gz")) << name;
  EXPECT_EQ(read_file(folder_ / "scan.nii.gz"), "x");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, AWriterThatFailsLeavesTheOldFileAndNoOther) {
  write_file(folder_ / "a", std::string("old"));
  const std::string words = refusal([&] {
    write_file(folder_ / "a", [](const fs::path& path) {
      std::ofstream(path) << "half";
      throw std::runtime_error("the library gave up");
    });
  });
  EXPECT_THAT(words, HasSubstr("the library gave up"));
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, AWritersOwnErrorPassesUnchanged) {
  EXPECT_THROW(write_file(folder_ / "a", [](const fs::path&) { throw DataError("no voxels"); }), DataError);
  EXPECT_EQ(files(), 0u);
}

TEST_F(AtomicFile, AMissingFolderIsSaidInWords) {
  EXPECT_THAT(refusal([&] { write_file(folder_ / "no" / "a", std::string("x")); }),
              HasSubstr("the folder does not exist"));
}

TEST_F(AtomicFile, AWriteThatStopsHalfWayLeavesTheOldFile) {
  write_file(folder_ / "a", std::string("old"));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string words = refusal([&] { write_file(folder_ / "a", std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(words, HasSubstr("larger than this system allows"));
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, AFullDiskIsSaidInWordsAndTheOldFileStays) {
  const fs::path disk = folder_ / "disk";
  make_folder(disk);
  if (mount("none", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "skipped: no permission to mount a small disk";
  write_file(disk / "a", std::string("old"));
  const std::string content = refusal([&] { write_file(disk / "a", std::string(200000, 'x')); });
  const std::string writer = refusal([&] {
    write_file(disk / "a", [](const fs::path& path) {
      std::ofstream out(path);
      out.exceptions(std::ios::failbit | std::ios::badbit);
      out << std::string(200000, 'x') << std::flush;
    });
  });
  const std::string kept = read_file(disk / "a");
  const auto left = std::distance(fs::directory_iterator(disk), fs::directory_iterator());
  umount(disk.c_str());
  EXPECT_THAT(content, HasSubstr("the disk is full"));
  EXPECT_THAT(writer, HasSubstr("the disk is full"));
  EXPECT_EQ(kept, "old");
  EXPECT_EQ(left, 1);
}

TEST_F(AtomicFile, AFileInTheWayOfAFolderIsSaidInWords) {
  write_file(folder_ / "a", std::string("x"));
  EXPECT_THAT(refusal([&] { make_folder(folder_ / "a" / "b"); }), HasSubstr("cannot make the folder"));
  EXPECT_THAT(refusal([&] { make_folder(folder_ / "a"); }), HasSubstr("cannot make the folder"));
}

TEST_F(AtomicFile, AMissingFileIsADataError) {
  EXPECT_THROW(read_file(folder_ / "none"), DataError);
  EXPECT_THROW(read_file(folder_), DataError);
}

TEST_F(AtomicFile, AnUnwritableFolderIsSaidInWords) {
  if (geteuid() == 0) {
    // The administrator may write everywhere but in /proc.
    EXPECT_THAT(refusal([&] { write_file("/proc/lamina", std::string("x")); }), HasSubstr("cannot write /proc/lamina"));
    return;
  }
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(refusal([&] { write_file(folder_ / "a", std::string("x")); }), HasSubstr("no permission"));
  fs::permissions(folder_, fs::perms::owner_all);
}

}  // namespace
}  // namespace lamina
