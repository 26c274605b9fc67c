// Claims: one holder at a time, and what becomes of a holder that died.
#include "engine/run/claims.hpp"

#include "engine/run/liveness.hpp"

#include "folder_test.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lamina::engine::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ClaimsTest : public lamina::testing::FolderTest {
 protected:
  fs::path file() const { return folder / "claims" / "training"; }

  /// A claim as another process would have left it.
  void leave(int64_t pid, const std::string& host, int64_t started, double age) const {
    fs::create_directories(folder / "claims");
    write_file(file(), text(R"({"pid": )", pid, R"(, "host": ")", host, R"(", "started": )", started, "}"));
    timespec time{};
    time.tv_sec = static_cast<time_t>(seconds_since_1970() - age);
    const timespec both[2]{time, time};
    utimensat(AT_FDCWD, file().c_str(), both, 0);
  }
};

TEST_F(ClaimsTest, OneHolderAtATime) {
  Claims ours(folder / "claims"), theirs(folder / "claims");
  EXPECT_EQ(ours.holder("training"), "");
  EXPECT_TRUE(ours.take("training"));
  EXPECT_FALSE(theirs.take("training"));
  EXPECT_THAT(theirs.holder("training"), HasSubstr(text("pid ", getpid(), " on ")));
  EXPECT_TRUE(theirs.take("another"));
  ours.release("training");
  EXPECT_TRUE(theirs.take("training"));
}

TEST_F(ClaimsTest, OnlyTheHolderReleases) {
  Claims ours(folder / "claims"), theirs(folder / "claims");
  ASSERT_TRUE(ours.take("training"));
  theirs.release("training");
  EXPECT_TRUE(fs::exists(file()));
}

TEST_F(ClaimsTest, NothingIsLeftAtTheEnd) {
  {
    Claims claims(folder / "claims");
    ASSERT_TRUE(claims.take("training"));
  }
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(ClaimsTest, AKilledProcessHoldsNothing) {
  const pid_t child = fork();
  if (child == 0) {
    Claims claims(folder / "claims");
    _exit(claims.take("training") ? 0 : 1);  // without destructors, as after kill -9
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(fs::exists(file()));
  Claims heir(folder / "claims");
  EXPECT_TRUE(heir.take("training"));
}

TEST_F(ClaimsTest, AnotherProcessOfTheSameNumberIsNotTheHolder) {
  leave(getpid(), this_host(), own_worker().started - 1, 0);
  EXPECT_TRUE(Claims(folder / "claims").take("training"));
}

TEST_F(ClaimsTest, AnotherHostIsBelievedForTenMinutes) {
  leave(1, "elsewhere", 1, kStaleHeartbeat - 30);
  EXPECT_FALSE(Claims(folder / "claims").take("training"));
  leave(1, "elsewhere", 1, kStaleHeartbeat + 30);
  EXPECT_TRUE(Claims(folder / "claims").take("training"));
}

TEST_F(ClaimsTest, AClaimThatIsNoClaimIsWaitedForAsLong) {
  fs::create_directories(folder / "claims");
  write_file(file(), "{\"pid\": ");
  EXPECT_FALSE(Claims(folder / "claims").take("training"));
  leave(0, "", 0, kStaleHeartbeat + 30);
  EXPECT_TRUE(Claims(folder / "claims").take("training"));
}

}  // namespace
}  // namespace lamina::engine::testing
