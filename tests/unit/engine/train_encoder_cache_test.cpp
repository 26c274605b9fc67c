// A frozen encoder's features on disk: how often the encoder runs, the same results to the last bit, room, refusals.
#include "training_fixture.hpp"

#include "expect_error.hpp"

#include "engine/encode/encoder_cache.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/model/adapter.hpp>

#include <fstream>

namespace lamina::engine::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

int64_t& encoder_runs() {
  static int64_t runs = 0;
  return runs;
}

struct TallyOptions {
  bool remembers = false;
  void bind(OptionBinder& o) { o.field("remembers", remembers, "Keeps a state"); }
};

class TallyUnit : public AdapterUnit {
 public:
  explicit TallyUnit(bool remembers) : remembers_(remembers) {}
  torch::Tensor apply(const SiteCall& call) override {
    ++encoder_runs();
    return call.output;
  }
  bool repeatable() const override { return !remembers_; }

 private:
  bool remembers_;
};

/// Counts how often the encoder runs.
class Tally : public Adapter {
 public:
  using Options = TallyOptions;
  Tally(const Options& options, const AdapterContext&) : options_(options) {}
  std::vector<std::string> default_sites() const override { return {"encoder.stages.0.output"}; }
  std::shared_ptr<AdapterUnit> attach(const Site&, const HostInfo&) override {
    return std::make_shared<TallyUnit>(options_.remembers);
  }

 private:
  Options options_;
};

constexpr int64_t kPatches = 12;  // four cases of six slices, patches of four whole slices
constexpr int64_t kWindows = 4;   // two validation cases of two windows

Streams<Features> some_features(float value) {
  Features features;
  features.set("stage.1", torch::full({1, 3, 2}, value));
  features.set("stage.0", torch::full({1, 100}, value).to(torch::kBFloat16));
  return Streams<Features>(features);
}

}  // namespace

class EncoderCacheTest : public TrainingTest {
 protected:
  EncoderCacheTest() {
    Registrar registrar("tests", "");
    registrar.add<Tally>("adapter", "tally", "1", "Counts");
    registry.add(registrar.take());
  }

  static std::vector<std::string> frozen(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"augment=[]", "model.adapters=[\"tally\"]", "train.trainable=[\"decoder.**\"]",
                                   "train.patch=[4,20,20]", "train.iterations=6"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// How often the encoder ran.
  int64_t runs_of(const std::string& name, const std::vector<std::string>& words) {
    encoder_runs() = 0;
    run(name, words);
    return encoder_runs();
  }
  std::string log_of(const std::string& name) const { return read_file(RunFolder(folder / name).log()); }
  std::vector<fs::path> kept() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder / "encoder")) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }
};

TEST_F(EncoderCacheTest, EncodesEachPatchOnceAndEndsAtTheSameBits) {
  EXPECT_EQ(runs_of("off", frozen({"runtime.encoder_cache=off"})), 3 * (6 * 2 + kWindows));
  const int64_t runs = runs_of("auto", frozen());
  EXPECT_EQ(runs, std::ssize(kept()));
  EXPECT_LE(runs, kPatches + kWindows);
  expect_same(checkpoint("auto"), checkpoint("off"));
  EXPECT_EQ(curves("auto"), curves("off"));
  EXPECT_THAT(log_of("auto"), AllOf(HasSubstr("encoder cache: the frozen encoder's features of 12 different training "
                                              "patches, about 412.5 KiB, and"),
                                    HasSubstr(text("encoder cache: ", runs, " patches were encoded, ", 48 - runs)),
                                    HasSubstr((folder / "encoder").string())));
  EXPECT_THAT(log_of("off"), HasSubstr("encoder cache: not used: runtime.encoder_cache is off"));
}

TEST_F(EncoderCacheTest, ServesEveryTrainingWithTheSameEncoder) {
  runs_of("first", frozen({"train.epochs=12"}));  // long enough for every patch
  EXPECT_EQ(std::ssize(kept()), kPatches + kWindows);
  EXPECT_EQ(runs_of("other rate", frozen({"train.optimizer.lr=0.02"})), 0);
  EXPECT_GT(runs_of("other weights", frozen({"seed=6"})), 0);
  EXPECT_GT(runs_of("other options", frozen({"model.encoder.residual=true"})), 0);
  EXPECT_GT(runs_of("other precision", frozen({"train.amp=bf16"})), 0);
  EXPECT_EQ(runs_of("again", frozen()), 0);
}

TEST_F(EncoderCacheTest, MakesDamagedAndMissingFilesAgain) {
  run("whole", frozen());
  const auto files = kept();
  fs::remove(files.at(0));
  fs::resize_file(files.at(1), fs::file_size(files.at(1)) / 2);
  fs::resize_file(files.at(2), 0);
  fs::copy_file(files.at(3), files.at(4), fs::copy_options::overwrite_existing);  // of another image
  std::ofstream(files.at(5).parent_path() / ".tmp-1-0-killed.safetensors") << "half";
  EXPECT_EQ(runs_of("again", frozen()), 4);
  expect_same(checkpoint("again"), checkpoint("whole"));
  EXPECT_EQ(std::ssize(kept()), std::ssize(files));
}

TEST_F(EncoderCacheTest, GoesOnWhereTheRoomEnds) {
  run("off", frozen({"runtime.encoder_cache=off"}));
  // Room for the patches as they are counted (412.5 KiB), not for the windows beside them.
  EXPECT_GT(runs_of("tight", frozen({"runtime.encoder_cache_gib=0.000394"})), 0);
  expect_same(checkpoint("tight"), checkpoint("off"));
}

TEST_F(EncoderCacheTest, SaysWhyNothingIsKept) {
  run("small patches", frozen({"train.patch=[4,12,12]"}));
  EXPECT_THAT(log_of("small patches"),
              HasSubstr("not used: patches hardly come again: 36 are drawn from 972 different ones"));
  run("augmented", frozen({"augment=[\"shake\"]"}));
  EXPECT_THAT(log_of("augmented"), HasSubstr("not used: augment (shake) makes every patch a new one"));
  run("no room", frozen({"runtime.encoder_cache_gib=0"}));
  EXPECT_THAT(log_of("no room"), HasSubstr("do not fit into runtime.encoder_cache_gib (0 B)"));
  run("ordinary", {});
  EXPECT_EQ(log_of("ordinary").find("encoder cache"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "encoder"));
}

TEST_F(EncoderCacheTest, OnNamesTheObstacle) {
  const auto refusal = [&](std::vector<std::string> words) {
    words.emplace_back("runtime.encoder_cache=on");
    return lamina::testing::message_of<ConfigError>([&] { run("refused", words); });
  };
  EXPECT_THAT(refusal(frozen({"train.trainable=[\"**\"]"})),
              AllOf(HasSubstr("runtime.encoder_cache: on is not possible, because 'encoder."), HasSubstr("trains")));
  EXPECT_THAT(refusal(frozen({"augment=[\"shake\"]"})), HasSubstr("augment (shake)"));
  EXPECT_THAT(refusal(frozen({"model.adapters=[{\"type\":\"tally\",\"remembers\":true}]"})),
              HasSubstr("the adapter at encoder.stages.0.output keeps a state"));
  EXPECT_THAT(refusal(frozen({"runtime.encoder_cache_gib=0"})), HasSubstr("do not fit into runtime.encoder_cache_gib"));
  EXPECT_GT(runs_of("few", frozen({"runtime.encoder_cache=on", "train.patch=[4,12,12]"})), 0);
}

using FeatureCacheTest = lamina::testing::FolderTest;

TEST_F(FeatureCacheTest, ReturnsNamesTypesAndOrder) {
  FeatureCache cache(folder, "one", 1 << 20, 0);
  EXPECT_FALSE(cache.find("a").has_value());
  cache.keep("a", some_features(2));
  const auto found = cache.find("a");
  ASSERT_TRUE(found.has_value());
  const auto expected = some_features(2);
  const auto &items = found->primary().items(), &made = expected.primary().items();
  ASSERT_EQ(items.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(items[i].first, made[i].first);
    EXPECT_TRUE(same(items[i].second, made[i].second));
  }
}

// Folders of encoders that nobody uses would fill the disk study by study.
TEST_F(FeatureCacheTest, DeletesWhatWasNotUsedLongest) {
  const auto fill = [&](const std::string& identity, int hours_ago) {
    FeatureCache(folder, identity, 1 << 20, 0).keep("a", some_features(1));
    fs::last_write_time(folder / identity, fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  };
  fill("oldest", 3);
  fill("older", 2);
  fill("old", 1);
  const auto size = static_cast<int64_t>(fs::file_size(folder / "old" / "a.safetensors"));
  const FeatureCache user(folder, "oldest", 1 << 20, 0);  // in use: it stays
  fs::last_write_time(folder / "oldest", fs::file_time_type::clock::now() - std::chrono::hours(3));
  const FeatureCache fresh(folder, "new", 4 * size, 2 * size);
  EXPECT_TRUE(fs::exists(folder / "oldest"));
  EXPECT_FALSE(fs::exists(folder / "older"));
  EXPECT_TRUE(fs::exists(folder / "old"));
}

TEST_F(FeatureCacheTest, KeepsNothingBeyondItsRoomOrOnAFullDisk) {
  FeatureCache cache(folder, "one", 500, 0);
  cache.keep("a", some_features(1));  // 224 bytes of values
  cache.keep("b", some_features(1));
  cache.keep("c", some_features(1));
  EXPECT_TRUE(cache.find("b").has_value());
  EXPECT_FALSE(cache.find("c").has_value());
  FeatureCache gone(folder, "two", 1 << 20, 0);
  fs::remove_all(folder / "two");  // as a disk that refuses
  gone.keep("a", some_features(1));
  EXPECT_FALSE(gone.find("a").has_value());
}

}  // namespace lamina::engine::testing
