// Run folders, interrupts, progress, memory and devices.
#include "balls_fixture.hpp"

#include "engine/run/device.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"
#include "engine/run/run_folder.hpp"

#include <lamina/base/atomic_file.hpp>

#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <thread>

#include <unistd.h>

#include <torch/utils.h>

namespace lamina::engine::testing {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::ThrowsMessage;

class RunFolderTest : public lamina::testing::FolderTest {};

TEST_F(RunFolderTest, IsQueuedBeforeItSaysAnything) { EXPECT_EQ(RunFolder(folder / "none").status().state, "queued"); }

TEST_F(RunFolderTest, StatusComesBackAsItWas) {
  RunStatus status;
  status.state = "failed";
  status.stage = "train";
  status.error = "the disk is full";
  status.hashes = {"p", "t", "i", "e"};
  status.epoch = 3, status.epochs = 9;
  status.parameters_trainable = 10, status.parameters_total = 20;
  status.peak_memory_bytes = 12345678901;
  status.train_seconds = 1.25, status.step_seconds = 0.1, status.infer_seconds = 2.5, status.seconds_per_case = 0.3;
  status.best_score = 0.875;
  status.uses_ground_truth = true;
  const RunFolder run(folder);
  run.set_status(status);
  const RunStatus read = run.status();
  EXPECT_EQ(read.state, "failed");
  EXPECT_EQ(read.stage, "train");
  EXPECT_EQ(read.error, "the disk is full");
  EXPECT_EQ(read.hashes.prepare + read.hashes.train + read.hashes.infer + read.hashes.evaluate, "ptie");
  EXPECT_EQ(read.epoch, 3);
  EXPECT_EQ(read.epochs, 9);
  EXPECT_EQ(read.parameters_trainable, 10);
  EXPECT_EQ(read.parameters_total, 20);
  EXPECT_EQ(read.peak_memory_bytes, 12345678901);
  EXPECT_EQ(read.train_seconds, 1.25);
  EXPECT_EQ(read.step_seconds, 0.1);
  EXPECT_EQ(read.infer_seconds, 2.5);
  EXPECT_EQ(read.seconds_per_case, 0.3);
  EXPECT_EQ(read.best_score, 0.875);
  EXPECT_TRUE(read.uses_ground_truth);
  EXPECT_EQ(read.pid, getpid());
  EXPECT_GT(read.heartbeat, 1.6e9);
}

TEST_F(RunFolderTest, DamagedStatusIsRefusedInWords) {
  write_file(folder / "status.json", "{\"state\": ");
  EXPECT_THAT([&] { RunFolder(folder).status(); }, ThrowsMessage<DataError>(HasSubstr("status.json is damaged")));
}

class Interrupts : public lamina::testing::FolderTest {
 protected:
  Interrupts() { install_interrupt_handlers(); }
  ~Interrupts() override {
    reset_interrupt();
    set_stop_file({});
  }
};

TEST_F(Interrupts, SignalsAskForAnOrderlyEnd) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    reset_interrupt();
    EXPECT_NO_THROW(throw_if_interrupted(folder));
    std::raise(signal);
    EXPECT_TRUE(interrupt_requested());
    EXPECT_THAT([&] { throw_if_interrupted(folder); },
                ThrowsMessage<Interrupted>(HasSubstr("state is saved in " + folder.string())));
  }
}

TEST_F(Interrupts, AStopFileAsksToo) {
  set_stop_file(folder / "stop");
  EXPECT_FALSE(interrupt_requested());
  write_file(folder / "stop", "");
  EXPECT_TRUE(interrupt_requested());
  EXPECT_THAT([&] { throw_if_interrupted(folder); },
              ThrowsMessage<Interrupted>(HasSubstr("remove it before going on")));
}

TEST_F(Interrupts, ASecondControlCEndsAtOnce) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::raise(SIGINT);
    std::raise(SIGINT);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 130);
}

TEST(ProgressBar, SaysNothingAboutShortWork) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress("preparing", 3, "cases");
    for (int64_t i = 0; i <= 3; ++i) progress.update(i);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressBar, WritesPlainLinesWithAnEstimateWhereNobodyLooks) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress("training", 100, "steps");
    progress.update(50);  // a resumed run
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    progress.update(75, "loss 0.5");
    progress.update(80, "loss 0.4");  // too soon after the last line
    progress.update(100, "loss 0.3");
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, MatchesRegex("training 75/100 steps, 2[.0-9]* s left, loss 0.5\n.*"));
  EXPECT_THAT(said, ::testing::Not(HasSubstr("80/100")));
  EXPECT_THAT(said, MatchesRegex(".*\ntraining 100/100 steps, took 2[.0-9]* s, loss 0.3\n"));
}

TEST(PeakMemory, SeesWhatWasHeld) {
  reset_peak_memory();
  const int64_t before = peak_memory();
  { std::vector<char> block(64 << 20, 1); }
  EXPECT_GE(peak_memory(), before + (60 << 20));
}

TEST(Device, CpuNeedsNothing) { EXPECT_EQ(choose_device("cpu"), torch::Device(torch::kCPU)); }

TEST(Device, CudaIsRefusedInWordsWhereThereIsNone) {
  if (choose_device("auto").is_cuda()) GTEST_SKIP() << "this machine has a CUDA device";
  EXPECT_THAT([] { choose_device("cuda"); },
              ThrowsMessage<ConfigError>(HasSubstr("runtime.device: cuda was asked for")));
}

TEST(Device, ThreadsAreTheOnesAskedForOrAllCores) {
  RuntimeSection runtime;
  runtime.device = "cpu";
  EXPECT_GE(arithmetic_threads(runtime), 1);
  runtime.threads = 3;
  use_runtime(runtime);
  EXPECT_EQ(at::get_num_threads(), 3);
}

}  // namespace lamina::engine::testing
