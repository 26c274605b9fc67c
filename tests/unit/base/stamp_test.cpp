// Stamps read from files: good ones, damaged ones, and any bytes.
#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>
#include <lamina/plugin/loader.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <unistd.h>

namespace lamina {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kHead = LAMINA_STAMP_MAGIC "\n" LAMINA_STAMP_BUILD;
const std::string kBody = "plugin=mine\nversion=0.1.0\nlicense=MIT\ncomponent=loss\tmine\t1\tMy own loss\n";
const std::string kTail = "end=" LAMINA_STAMP_MAGIC "\n";

class Stamps : public testing::Test {
 protected:
  void SetUp() override { file_ = fs::temp_directory_path() / text("lamina_stamp-", getpid(), ".so"); }
  void TearDown() override { fs::remove(file_); }

  void put(const std::string& bytes) const { std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes; }
  std::string refusal(const std::string& bytes) const {
    put(bytes);
    try {
      read_stamp(file_.string());
    } catch (const PluginError& error) {
      return error.what();
    }
    return "no refusal";
  }

  fs::path file_;
};

TEST_F(Stamps, AreFoundAnywhereInAFile) {
  // Before, on and behind the reader's chunk borders.
  for (const size_t before : {size_t{0}, size_t{1000}, size_t{(1 << 18) - 10}, size_t{1 << 18}, size_t{700000}}) {
    put(std::string(before, '\1') + kHead + kBody + kTail + std::string(5000, '\2'));
    const auto stamp = read_stamp(file_.string());
    ASSERT_TRUE(stamp.has_value()) << before;
    EXPECT_EQ(stamp->plugin, "mine");
    EXPECT_EQ(stamp->build, program_build());
    ASSERT_EQ(stamp->components.size(), 1u);
    EXPECT_EQ(stamp->components[0].summary, "My own loss");
    EXPECT_EQ(stamp->components[0].file, file_.string());
    EXPECT_EQ(refusal_of(file_, *stamp), "");
  }
}

TEST_F(Stamps, AFileWithoutOneHasNone) {
  put(std::string(300000, 'x'));
  EXPECT_FALSE(read_stamp(file_.string()).has_value());
  put("");
  EXPECT_FALSE(read_stamp(file_.string()).has_value());
  EXPECT_THROW(read_stamp("/nowhere/lamina_x.so"), PluginError);
}

TEST_F(Stamps, DamagedOnesAreRefusedInWords) {
  EXPECT_THAT(refusal(kHead + kBody), HasSubstr("does not end within 64.0 KiB"));
  EXPECT_THAT(refusal(kHead + kBody + std::string(70000, 'x') + "\n" + kTail), HasSubstr("does not end within"));
  EXPECT_THAT(refusal(kHead + "plugin=mine\n" + kTail), HasSubstr("offers no component"));
  EXPECT_THAT(refusal(kHead + "component=loss\tmine\t1\tx\n" + kTail), HasSubstr("does not name the plugin"));
  EXPECT_THAT(refusal(kHead + "plugin=mine\ncomponent=loss\tmine\n" + kTail), HasSubstr("2 fields instead of 4"));
  EXPECT_THAT(refusal(kHead + kBody + "component=loss\tmine\t2\tx\n" + kTail), HasSubstr("'mine' twice"));
  EXPECT_THAT(refusal(kHead + "api=1\n" + kBody + kTail), HasSubstr("'api' is said twice"));
  EXPECT_THAT(refusal(kHead + "nonsense\n" + kBody + kTail), HasSubstr("no key=value"));
  EXPECT_THAT(refusal(kHead + "plugin=../../x\ncomponent=loss\tmine\t1\tx\n" + kTail),
              HasSubstr("does not name the plugin"));
}

TEST_F(Stamps, EveryBuildMarkIsCompared) {
  for (const auto& [key, value] : program_build()) {
    Stamp stamp;
    stamp.build = program_build();
    stamp.build[key] = "other";
    EXPECT_THAT(refusal_of("p.so", stamp),
                testing::AllOf(HasSubstr("other"), HasSubstr(value), HasSubstr("build the plugin again")))
        << key;
    stamp.build.erase(key);
    EXPECT_THAT(refusal_of("p.so", stamp), HasSubstr("(not stated)")) << key;
  }
  Stamp stamp;
  stamp.build = program_build();
  stamp.build["planet"] = "mars";
  EXPECT_THAT(refusal_of("p.so", stamp), HasSubstr("planet=mars"));
}

TEST_F(Stamps, MutatedBytesNeverCrash) {
  const std::string good = std::string(50, '\0') + kHead + kBody + kTail;
  Random random(5);
  int refused = 0, read = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = good;
    for (int64_t edits = random.integer(1, 3); edits > 0; --edits) {
      const auto at = static_cast<size_t>(random.integer(0, static_cast<int64_t>(bytes.size()) - 1));
      if (random.chance(0.5)) {
        bytes[at] = static_cast<char>(random.integer(0, 255));
      } else {
        bytes.erase(at, static_cast<size_t>(random.integer(1, 20)));
      }
    }
    put(bytes);
    try {
      const auto stamp = read_stamp(file_.string());
      EXPECT_TRUE(!stamp || !stamp->plugin.empty());
      ++read;
    } catch (const PluginError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(read, 100);
}

TEST(PluginFolders, NeverHoldTheCurrentOneAndNeverOneTwice) {
  const fs::path folder = fs::canonical(fs::temp_directory_path());
  setenv("LAMINA_PLUGIN_PATH", text(":", folder.string(), "::/does/not/exist").c_str(), 1);
  const auto folders = plugin_folders({folder});
  unsetenv("LAMINA_PLUGIN_PATH");
  EXPECT_EQ(std::count(folders.begin(), folders.end(), folder), 1);
  EXPECT_EQ(std::count(folders.begin(), folders.end(), fs::current_path()), 0);
  EXPECT_THROW(plugin_folders({"/does/not/exist"}), PluginError);
}

}  // namespace
}  // namespace lamina
