// The program's talk: levels, listener, guard.
#include <lamina/base/log.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lamina {
namespace {

class Log : public testing::Test {
 protected:
  void TearDown() override {
    set_log_level(LogLevel::Info);
    set_log_listener({});
    set_log_guard({});
  }
};

TEST_F(Log, GoesToStderrWithItsLevel) {
  testing::internal::CaptureStderr();
  log_info("hello");
  log_warning("careful");
  log_error("broken");
  log_debug("not shown");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "hello\nwarning: careful\nerror: broken\n");
}

TEST_F(Log, LevelFiltersForTheListenerToo) {
  std::vector<std::string> heard;
  set_log_listener([&](LogLevel, const std::string& message) { heard.push_back(message); });
  set_log_level(LogLevel::Warning);
  testing::internal::CaptureStderr();
  log_info("quiet");
  log_warning("loud");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: loud\n");
  EXPECT_THAT(heard, testing::ElementsAre("loud"));
}

TEST_F(Log, GuardIsCalledAroundEachLine) {
  std::string order;
  set_log_guard([&](bool writing) { order += writing ? '(' : ')'; });
  testing::internal::CaptureStderr();
  log_info("a");
  log_info("b");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(order, "()()");
}

TEST_F(Log, ThreadsDoNotMixTheirLines) {
  std::vector<std::string> heard;
  set_log_listener([&](LogLevel, const std::string& message) { heard.push_back(message); });
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) log_info("0123456789");
    });
  }
  for (auto& thread : threads) thread.join();
  std::string expected;
  for (int i = 0; i < 800; ++i) expected += "0123456789\n";
  EXPECT_EQ(testing::internal::GetCapturedStderr(), expected);
  EXPECT_EQ(heard.size(), 800u);
}

}  // namespace
}  // namespace lamina
