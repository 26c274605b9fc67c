// Curves for TensorBoard: bytes as TensorFlow writes them, and each step once however often a run was stopped.
#include "training_fixture.hpp"

#include "engine/train/event_file.hpp"
#include "engine/train/tf_record.hpp"

#include <lamina/base/atomic_file.hpp>

#include <cstring>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

std::string bytes_of(std::string_view hexadecimal) {
  std::string bytes;
  for (size_t i = 0; i < hexadecimal.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hexadecimal.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

/// The messages of a record file; fails where a length or a checksum is wrong.
std::vector<std::string> records_of(const std::string& content) {
  std::vector<std::string> records;
  for (size_t at = 0; at < content.size();) {
    uint64_t length = 0;
    std::memcpy(&length, content.data() + at, sizeof(length));
    const std::string message = content.substr(at + 12, length), record = tf_record(message);
    if (content.compare(at, record.size(), record) != 0) {
      ADD_FAILURE() << "the record at byte " << at << " is damaged";
      break;
    }
    records.push_back(message);
    at += record.size();
  }
  return records;
}

}  // namespace

// RFC 3720, B.4, and the usual check value.
TEST(TfRecord, ChecksumsAreThePublishedOnes) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(""), 0u);
}

// Made by tensorboard 2.21: Event(wall_time=1.5, step=300, summary of loss 0.25 and lr -2) through its RecordWriter.
TEST(TfRecord, AnEventHasTheBytesThatTensorBoardWrites) {
  const std::string event = scalar_event(1.5, 300, {{"loss", 0.25}, {"lr", -2}});
  EXPECT_EQ(event, bytes_of("09000000000000f83f10ac022a180a0b0a046c6f7373150000803e0a090a026c7215000000c0"));
  EXPECT_EQ(tf_record(event), bytes_of("2600000000000000734fe300"
                                       "09000000000000f83f10ac022a180a0b0a046c6f7373150000803e0a090a026c7215000000c0"
                                       "5d93095b"));
}

class EventsTest : public TrainingTest {
 protected:
  std::vector<std::string> files(const std::string& name) const {
    std::vector<std::string> found;
    std::error_code missing;
    for (const auto& item : std::filesystem::directory_iterator(folder / name / "tensorboard", missing)) {
      found.push_back(item.path());
    }
    return found;
  }
  std::vector<std::string> events(const std::string& name) const {
    const auto found = files(name);
    EXPECT_THAT(found, SizeIs(1));
    return found.empty() ? std::vector<std::string>{} : records_of(read_file(found.front()));
  }
};

TEST_F(EventsTest, HoldTheExperimentAndEveryEpoch) {
  run("a", {"runtime.tensorboard=true"});
  const auto found = events("a");
  ASSERT_THAT(found, SizeIs(3 + 3)) << "version, start, text; three epochs";
  EXPECT_THAT(found[0], HasSubstr("brain.Event:2"));
  EXPECT_THAT(found[2], AllOf(HasSubstr("experiment"), HasSubstr("\"trainable\"")));
  EXPECT_THAT(std::vector(found.begin() + 3, found.end()),
              Each(AllOf(HasSubstr("loss/ce"), HasSubstr("val/dice/"), HasSubstr("grad_norm"), HasSubstr("lr"),
                         HasSubstr("seconds_per_epoch"))));
}

TEST_F(EventsTest, AResumedRunShowsEachStepOnce) {
  const RunFolder parts(folder / "parts");
  set_stop_file(parts.stop_file());
  make_folder(parts.path());
  write_file(parts.stop_file(), "");
  EXPECT_THROW(run("parts", {"runtime.tensorboard=true"}), Interrupted);
  std::filesystem::remove(parts.stop_file());
  run("parts", {"runtime.tensorboard=true"});
  EXPECT_THAT(events("parts"), SizeIs(3 + 3));

  // Killed while the last epoch's checkpoint was being written: the run goes on from the one before.
  const std::string log = read_file(parts.log());
  const EventFile again(parts, ConfigNode::object());
  EXPECT_THAT(events("parts"), SizeIs(3 + 3)) << "what log.jsonl holds, in place of the older file";
  write_file(parts.log(), log.substr(0, log.rfind("{\"epoch\"")));
  const EventFile cut(parts, ConfigNode::object());
  EXPECT_THAT(events("parts"), SizeIs(3 + 2));
}

TEST_F(EventsTest, AreWrittenOnRequestOnly) {
  run("a");
  EXPECT_THAT(files("a"), IsEmpty());
}

}  // namespace lamina::engine::testing
