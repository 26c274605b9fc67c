// Checkpoints: round trip, pointers, damage, a full disk.
#include "balls_fixture.hpp"

#include "engine/train/checkpoint.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/model/safetensors.hpp>

#include <sys/mount.h>

#include <torch/utils.h>

namespace lamina::engine::testing {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class Checkpoints : public lamina::testing::FolderTest {
 protected:
  static Checkpoint made(int64_t numbers = 4) {
    Checkpoint one;
    one.model = {{"encoder.weight", torch::randn({numbers})}, {"encoder.count", torch::tensor(int64_t{7})}};
    one.ema = {{"encoder.weight", torch::randn({numbers})}};
    one.optimizer = {{"encoder.weight.exp_avg", torch::randn({numbers})}, {"encoder.weight.step", torch::tensor(3.0)}};
    one.prepare = {{"prepare.0.mean", torch::tensor(0.25)}};
    one.postprocess = {{"postprocess.1.keep", torch::tensor(true)}};
    one.experiment = ConfigNode::parse(R"({"name": "a", "train": {"lr": 0.001}})");
    one.state = ConfigNode::parse(R"({"epoch": 2, "best": 0.1234567890123456789})");
    return one;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
};

void expect_equal(const TensorDict& a, const TensorDict& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(same(tensor, b.at(name))) << name;
}

TEST_F(Checkpoints, ComeBackAsTheyWere) {
  const Checkpoint one = made();
  save_checkpoint(folder, one, 12, true);
  for (const std::string which : {"last", "best", "step-12.safetensors"}) {
    const Checkpoint read = load_checkpoint(folder, which);
    expect_equal(read.model, one.model);
    expect_equal(read.ema, one.ema);
    expect_equal(read.optimizer, one.optimizer);
    expect_equal(read.prepare, one.prepare);
    expect_equal(read.postprocess, one.postprocess);
    EXPECT_EQ(read.experiment, one.experiment);
    EXPECT_EQ(read.state, one.state);
  }
}

TEST_F(Checkpoints, OnlyLastAndBestAreKept) {
  save_checkpoint(folder, made(), 1, true);
  save_checkpoint(folder, made(), 2, false);
  write_file(folder / ".tmp-123-0-step-3.safetensors", "half");
  save_checkpoint(folder, made(), 3, false);
  EXPECT_EQ(files(), (std::vector<std::string>{"best", "last", "step-1.safetensors", "step-3.safetensors"}));
  save_checkpoint(folder, made(), 4, true);
  EXPECT_EQ(files(), (std::vector<std::string>{"best", "last", "step-4.safetensors"}));
}

TEST_F(Checkpoints, AreMissedInWords) {
  EXPECT_FALSE(has_checkpoint(folder, "last"));
  EXPECT_THAT([&] { load_checkpoint(folder, "best"); },
              ThrowsMessage<DataError>(HasSubstr("there is no checkpoint 'best'")));
  save_checkpoint(folder, made(), 1, false);
  EXPECT_TRUE(has_checkpoint(folder, "last"));
  EXPECT_FALSE(has_checkpoint(folder, "best"));
  std::filesystem::remove(folder / "step-1.safetensors");
  EXPECT_THAT([&] { load_checkpoint(folder, "last"); },
              ThrowsMessage<DataError>(HasSubstr("step-1.safetensors, which is not there")));
}

TEST_F(Checkpoints, AreToldFromOtherTensors) {
  save_checkpoint(folder, made(), 1, false);
  EXPECT_TRUE(is_checkpoint(folder / "step-1.safetensors"));
  write_safetensors(folder / "weights.safetensors", {{"a", torch::zeros(3)}}, {{"format", "pt"}});
  EXPECT_FALSE(is_checkpoint(folder / "weights.safetensors"));
  write_file(folder / "text.safetensors", "Dear lamina");
  EXPECT_THROW(is_checkpoint(folder / "text.safetensors"), DataError);
}

TEST_F(Checkpoints, DamagedOnesAreRefusedInWords) {
  save_checkpoint(folder, made(), 1, false);
  const auto file = folder / "step-1.safetensors";
  const std::string good = read_file(file);
  for (const size_t length : {size_t{0}, size_t{5}, size_t{60}, good.size() - 1}) {
    write_file(file, good.substr(0, length));
    EXPECT_THAT([&] { load_checkpoint(folder, "last"); },
                ThrowsMessage<DataError>(HasSubstr("the checkpoint cannot be used")));
  }
  write_safetensors(file, {{"a", torch::zeros(3)}});
  EXPECT_THAT([&] { load_checkpoint(folder, "last"); },
              ThrowsMessage<DataError>(HasSubstr("is no checkpoint of lamina")));
}

/// A file system of one megabyte, where this process may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path folder) : folder_(std::move(folder)) {
    mounted_ = geteuid() == 0 && mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::filesystem::path folder_;
  bool mounted_;
};

TEST_F(Checkpoints, SurviveAFullDisk) {
  const SmallDisk disk(folder);
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount the small file system that this test fills";
  const Checkpoint good = made(30000);  // 3 tensors of 120 kB
  save_checkpoint(folder, good, 1, true);
  EXPECT_THAT([&] { save_checkpoint(folder, made(100000), 2, true); },
              ThrowsMessage<StorageError>(HasSubstr("No space left on device")));
  EXPECT_EQ(files(), (std::vector<std::string>{"best", "last", "step-1.safetensors"}));
  expect_equal(load_checkpoint(folder, "last").model, good.model);
}

}  // namespace lamina::engine::testing
