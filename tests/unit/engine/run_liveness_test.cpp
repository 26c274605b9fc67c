// A run that says "running": who believes it, and when.
#include "engine/run/liveness.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <unistd.h>

namespace lamina::engine::testing {
namespace {

RunStatus running(int64_t pid, const std::string& host, double heartbeat) {
  RunStatus status;
  status.state = "running";
  status.pid = pid;
  status.host = host;
  status.heartbeat = heartbeat;
  return status;
}

/// A process that has ended; before it is waited for it is a zombie.
pid_t ended_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  return child;
}

TEST(Liveness, OnlyARunThatSaysSoCanBeRunning) {
  for (const std::string state : {"queued", "done", "failed", "stopped"}) {
    RunStatus status = running(getpid(), this_host(), seconds_since_1970());
    status.state = state;
    EXPECT_EQ(liveness_of(status, seconds_since_1970()), Liveness::NotRunning) << state;
  }
}

TEST(Liveness, OnThisHostTheProcessIsAskedFor) {
  const double now = seconds_since_1970();
  EXPECT_EQ(liveness_of(running(getpid(), this_host(), now), now), Liveness::Running);
  const pid_t child = ended_process();
  EXPECT_EQ(liveness_of(running(child, this_host(), now), now), Liveness::Died) << "a zombie works no more";
  waitpid(child, nullptr, 0);
  EXPECT_EQ(liveness_of(running(child, this_host(), now), now), Liveness::Died);
}

// A stopped laptop or a long step: the process is there, and that is enough.
TEST(Liveness, AnOldHeartbeatIsNoDeathWhereTheProcessIsThere) {
  const double now = seconds_since_1970();
  EXPECT_EQ(liveness_of(running(getpid(), this_host(), now), now + 2 * kStaleHeartbeat), Liveness::Running);
}

TEST(Liveness, ALaterProcessOfTheSameNumberIsAnotherOne) {
  const double now = seconds_since_1970();
  // This process cannot have written a heartbeat an hour before it started.
  EXPECT_EQ(liveness_of(running(getpid(), this_host(), now - 7200), now), Liveness::Died);
}

TEST(Liveness, OfAnotherHostTheHeartbeatAloneIsKnown) {
  const double now = 1e9;
  EXPECT_EQ(liveness_of(running(1, "elsewhere", now - kStaleHeartbeat), now), Liveness::Running);
  EXPECT_EQ(liveness_of(running(1, "elsewhere", now - kStaleHeartbeat - 1), now), Liveness::Died);
  EXPECT_EQ(liveness_of(running(1, "elsewhere", now + 30), now), Liveness::Running) << "its clock is ahead";
  EXPECT_EQ(liveness_of(running(0, this_host(), now - 601), now), Liveness::Died) << "a status without a process";
}

}  // namespace
}  // namespace lamina::engine::testing
