// Training runs: learning, repeatability, resuming bit for bit, interrupts, errors.
#include "training_fixture.hpp"

#include "engine/train/initial_model.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/model/safetensors.hpp>
#include <lamina/model/trainable.hpp>
#include <lamina/model/weights.hpp>

#include <sys/wait.h>

#include <csignal>
#include <thread>

#include <torch/utils.h>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string TrainingTest::curves(const std::string& name) const {
  std::string kept;
  for (const auto& line : split(read_file(RunFolder(folder / name).curves()), '\n')) {
    kept += line.substr(0, line.rfind(',')) + "\n";
  }
  return kept;
}

TEST_F(TrainingTest, LearnsAndKeepsItsBooks) {
  const TrainResult result = run("a", {"train.epochs=6", "train.iterations=10"});
  const RunFolder run(folder / "a");
  EXPECT_EQ(result.epochs, 6);
  EXPECT_GT(result.best_score, 0.5);
  EXPECT_GT(result.seconds, 0);
  const auto lines = split(read_file(run.curves()), '\n');
  ASSERT_EQ(lines.size(), 8u);  // header, six epochs, the end
  EXPECT_THAT(lines[0], AllOf(HasSubstr("epoch,step,lr,loss,loss."), HasSubstr("val_dice,val_loss,seconds")));
  EXPECT_TRUE(lines[6].starts_with("6,60,"));
  EXPECT_THAT(read_file(run.log()), AllOf(HasSubstr("\"val_classes\":{\"ball\":"), HasSubstr("training ")));
  const RunStatus status = run.status();
  EXPECT_EQ(status.epoch, 6);
  EXPECT_EQ(status.epochs, 6);
  EXPECT_EQ(status.best_score, result.best_score);
  EXPECT_GT(status.step_seconds, 0);
  EXPECT_GT(status.peak_memory_bytes, 0);
  EXPECT_TRUE(has_checkpoint(run.checkpoints(), "best"));
}

TEST_F(TrainingTest, IsRepeatableBitForBit) {
  run("a");
  run("b");
  expect_same(checkpoint("a"), checkpoint("b"));
  EXPECT_EQ(curves("a"), curves("b"));
}

TEST_F(TrainingTest, AnotherSeedGivesOtherWeights) {
  run("a", {"train.epochs=1"});
  run("b", {"train.epochs=1", "seed=6"});
  const auto a = checkpoint("a").model, b = checkpoint("b").model;
  EXPECT_FALSE(same(a.begin()->second, b.begin()->second));
}

TEST_F(TrainingTest, WorkersChangeNothing) {
  run("none", {"runtime.workers=0"});
  run("two", {"runtime.workers=2"});
  expect_same(checkpoint("none"), checkpoint("two"));
}

/// Stops a run when it has written so many epochs, from a thread beside it.
class StopAfter {
 public:
  StopAfter(std::filesystem::path curves, int64_t epochs)
      : thread_([=, this] {
          while (!done_ && count(curves) < epochs + 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          if (!done_) std::raise(SIGTERM);
        }) {}
  ~StopAfter() {
    done_ = true;
    thread_.join();
  }

 private:
  static int64_t count(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return 0;
    const std::string content = read_file(file);
    return std::count(content.begin(), content.end(), '\n');
  }
  std::atomic<bool> done_{false};
  std::thread thread_;
};

TEST_F(TrainingTest, InterruptedAnywhereEndsAsIfNeverInterrupted) {
  install_interrupt_handlers();
  const std::vector<std::string> words{"train.ema=0.9", "train.accumulate=2", "train.iterations=4"};
  run("whole", words);
  int interrupts = 0;
  for (int64_t epochs = 0; epochs < 3; ++epochs) {
    const StopAfter stop(RunFolder(folder / "parts").curves(), epochs);
    try {
      run("parts", words);
    } catch (const Interrupted& stopped) {
      ++interrupts;
      EXPECT_THAT(stopped.what(), HasSubstr("state is saved"));
    }
    reset_interrupt();
  }
  run("parts", words);
  EXPECT_GT(interrupts, 0);
  expect_same(checkpoint("whole"), checkpoint("parts"));
  expect_same(checkpoint("whole", "best"), checkpoint("parts", "best"));
  EXPECT_EQ(curves("whole"), curves("parts"));
}

TEST_F(TrainingTest, SavesInTheMiddleOfAnEpochExactly) {
  run("whole");
  const RunFolder parts(folder / "parts");
  set_stop_file(parts.stop_file());
  make_folder(parts.path());
  for (int i = 0; i < 2; ++i) {  // asked to stop before the first step, then again before any other
    write_file(parts.stop_file(), "");
    EXPECT_THROW(run("parts"), Interrupted);
  }
  EXPECT_EQ(checkpoint("parts").state.at("step").as_integer(), 0);
  std::filesystem::remove(parts.stop_file());
  run("parts");
  expect_same(checkpoint("whole"), checkpoint("parts"));
}

TEST_F(TrainingTest, KilledRunsGoOnFromTheLastCheckpoint) {
  run("whole", {"train.epochs=4"});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    std::thread([this] {
      const auto file = RunFolder(folder / "killed").checkpoints() / "last";
      while (!std::filesystem::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      kill(getpid(), SIGKILL);
    }).detach();
    run("killed", {"train.epochs=4"});
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  run("killed", {"train.epochs=4"});
  expect_same(checkpoint("whole"), checkpoint("killed"));
  EXPECT_EQ(curves("whole"), curves("killed"));
}

TEST_F(TrainingTest, FinishedRunsReturnAtOnce) {
  const TrainResult first = run("a");
  const auto time = std::filesystem::last_write_time(RunFolder(folder / "a").checkpoints() / "last");
  const TrainResult again = run("a");
  EXPECT_EQ(again.epochs, first.epochs);
  EXPECT_EQ(again.best_score, first.best_score);
  EXPECT_EQ(std::filesystem::last_write_time(RunFolder(folder / "a").checkpoints() / "last"), time);
}

TEST_F(TrainingTest, ZeroEpochsSaveTheInitialModel) {
  run("a", {"train.epochs=0", "train.trainable=[]"});
  const Experiment one = experiment();
  const auto model = initial_model(one, Balls({}, {}).info(), registry);
  expect_same(checkpoint("a", "best").model, kept_weights(*model, "all"));
}

TEST_F(TrainingTest, OtherSettingsDoNotGoOnFromACheckpoint) {
  run("a", {"train.epochs=1"});
  EXPECT_THAT(
      [&] {
        run("a", {"train.epochs=1", "loss.weight_ce=2", "seed=9"});
      },
      ThrowsMessage<ConfigError>(AllOf(HasSubstr("(loss, seed)"), HasSubstr("another run folder"))));
}

TEST_F(TrainingTest, NothingToTrainIsRefused) {
  EXPECT_THAT([&] { run("a", {"train.trainable=[]"}); }, ThrowsMessage<ConfigError>(HasSubstr("nothing trains")));
}

TEST_F(TrainingTest, ReadersErrorsReachTheCallerWithCaseAndFile) {
  EXPECT_THAT([&] { run("a", {"dataset.broken=train2"}); },
              ThrowsMessage<DataError>(HasSubstr("case train2: file train2.nii.gz is truncated")));
  EXPECT_THAT(
      [&] {
        run("b", {"augment=[{\"type\":\"shake\",\"broken\":\"train1\"}]", "runtime.workers=2"});
      },
      ThrowsMessage<DataError>(HasSubstr("case train1: augment step 0 (shake): it shook itself to pieces")));
}

TEST_F(TrainingTest, NumbersThatAreNoneNameEpochStepAndCases) {
  EXPECT_THAT([&] { run("a", {"train.optimizer.lr=1e30"}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("epoch 1, step 1, cases train"), HasSubstr("train.clip"))));
}

TEST_F(TrainingTest, FrozenPartsStayAsTheyWere) {
  const std::vector<std::string> words{"train.trainable=[\"decoder.**\"]", "train.checkpoint.contents=trainable"};
  run("a", words);
  const Checkpoint stored = checkpoint("a");
  for (const auto& [name, tensor] : stored.model) EXPECT_TRUE(name.starts_with("decoder.")) << name;
  const Experiment one = experiment(words);
  const auto model = initial_model(one, Balls({}, {}).info(), registry);
  const StateDict before = kept_weights(*model, "all");
  const std::string frozen = before.lower_bound("encoder.")->first;
  const torch::Tensor encoder = before.at(frozen).clone();
  restore_weights(*model, stored, Weights::Trained);
  EXPECT_TRUE(same(kept_weights(*model, "all").at(frozen), encoder));
  const auto other = initial_model(experiment({"seed=77", words[0], words[1]}), Balls({}, {}).info(), registry);
  EXPECT_THAT([&] { restore_weights(*other, stored, Weights::Trained); },
              ThrowsMessage<DataError>(HasSubstr("frozen weights are not those")));
}

TEST_F(TrainingTest, ArmsThatShareAnEncoderStartAlike) {
  const DatasetInfo info = Balls({}, {}).info();
  const auto one = kept_weights(*initial_model(experiment(), info, registry), "all");
  const auto two =
      kept_weights(*initial_model(experiment({"model.decoder.deep_supervision=false"}), info, registry), "all");
  for (const auto& [name, tensor] : one) {
    if (!name.starts_with("encoder.")) continue;
    EXPECT_TRUE(same(tensor, two.at(name))) << name;
  }
}

TEST_F(TrainingTest, Bfloat16AndClippingTrainToo) {
  const TrainResult result = run("a", {"train.amp=bf16", "train.clip=0.5"});
  EXPECT_EQ(result.epochs, 3);
  for (const auto& [name, tensor] : checkpoint("a").model) EXPECT_NE(tensor.scalar_type(), torch::kBFloat16) << name;
}

TEST_F(TrainingTest, TheAverageLagsBehindTheWeights) {
  run("a", {"train.ema=0.5", "train.epochs=1"});
  const Checkpoint stored = checkpoint("a");
  ASSERT_FALSE(stored.ema.empty());
  for (const auto& [name, average] : stored.ema) EXPECT_FALSE(same(average, stored.model.at(name))) << name;
}

TEST_F(TrainingTest, TheLossCanDecideTheBest) {
  const TrainResult result = run("a", {"train.checkpoint.metric=loss"});
  EXPECT_EQ(split(curves("a"), '\n').size(), 6u);
  EXPECT_LT(result.best_score, 3);
  EXPECT_FALSE(split(split(read_file(RunFolder(folder / "a").curves()), '\n')[1], ',').end()[-2].empty());
}

TEST_F(TrainingTest, WeightsFilesAreLoadedByName) {
  run("a", {"train.epochs=1"});
  StateDict encoder;
  for (const auto& [name, tensor] : checkpoint("a").model) {
    if (name.starts_with("encoder.")) encoder[name] = tensor;
  }
  write_safetensors(folder / "encoder.safetensors", encoder);
  const auto model =
      initial_model(experiment({R"(weights=[{"file":"encoder.safetensors"}])"}), Balls({}, {}).info(), registry);
  for (const auto& [name, tensor] : encoder) EXPECT_TRUE(same(tensor, kept_weights(*model, "all").at(name))) << name;
  encoder.erase(encoder.begin());
  write_safetensors(folder / "part.safetensors", encoder);
  EXPECT_THAT(
      [&] { initial_model(experiment({R"(weights=[{"file":"part.safetensors"}])"}), Balls({}, {}).info(), registry); },
      ThrowsMessage<ConfigError>(HasSubstr("does not fit strictly")));
}

TEST_F(TrainingTest, ThePhantomTrainsToo) {
  const TrainResult result = run(
      "a", {R"(dataset={"type":"phantom","cases":{"train":2,"val":1,"test":1},"size":[8,32,32],"classes":3})", "train.epochs=1"});
  EXPECT_EQ(result.epochs, 1);
}

}  // namespace lamina::engine::testing
