// Writes TensorFlow's Event messages by hand: ten fields of them are all that curves need, and no library for it.
#include "engine/train/event_file.hpp"

#include "engine/run/liveness.hpp"
#include "engine/train/tf_record.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <sstream>

#include <unistd.h>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// Protocol buffers' wire format, as far as it is needed.
class Message {
 public:
  Message& integer(int field, uint64_t value) {
    key(field, 0);
    varint(value);
    return *this;
  }
  Message& number(int field, double value) { return fixed(field, 1, std::bit_cast<uint64_t>(value)); }
  Message& number(int field, float value) { return fixed(field, 5, std::bit_cast<uint32_t>(value)); }
  Message& bytes(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& str() const { return bytes_; }

 private:
  void key(int field, int type) { varint(static_cast<uint64_t>(field << 3 | type)); }
  void varint(uint64_t value) {
    for (; value > 0x7f; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  template <class Bits>
  Message& fixed(int field, int type, Bits bits) {
    key(field, type);
    for (size_t i = 0; i < sizeof(Bits); ++i) bytes_ += static_cast<char>(bits >> (8 * i));
    return *this;
  }

  std::string bytes_;
};

// Numbers of fields in tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto, tensor.proto.
namespace event_field {
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace value_field {
constexpr int kTag = 1, kSimpleValue = 2, kTensor = 8, kMetadata = 9;
}
constexpr int kSummaryValue = 1, kSessionStatus = 1, kSessionStart = 1;

Message event_at(double time, int64_t step) {
  Message made;
  made.number(event_field::kWallTime, time);
  if (step > 0) made.integer(event_field::kStep, static_cast<uint64_t>(step));
  return made;
}

/// The experiment on the page "Text".
std::string text_event(const std::string& tag, const std::string& words) {
  constexpr int kPluginData = 1, kPluginName = 1, kDataClass = 4, kDataClassTensor = 2;
  constexpr int kDtype = 1, kShape = 2, kStringValue = 8, kTypeString = 7;
  const std::string plugin = Message().bytes(kPluginName, "text").str();
  const std::string metadata = Message().bytes(kPluginData, plugin).integer(kDataClass, kDataClassTensor).str();
  const std::string tensor = Message().integer(kDtype, kTypeString).bytes(kShape, "").bytes(kStringValue, words).str();
  const std::string one = Message()
                              .bytes(value_field::kTag, tag)
                              .bytes(value_field::kTensor, tensor)
                              .bytes(value_field::kMetadata, metadata)
                              .str();
  return event_at(seconds_since_1970(), 0)
      .bytes(event_field::kSummary, Message().bytes(kSummaryValue, one).str())
      .str();
}

/// A loss that was not finite is null in log.jsonl.
double number_of_entry(const ConfigNode& node) {
  return node.is_number() ? node.as_number() : std::numeric_limits<double>::quiet_NaN();
}

std::map<std::string, double> scalars_of(const ConfigNode& entry) {
  static const std::map<std::string, std::string> kTags{{"loss", "loss"},           {"lr", "lr"},
                                                        {"grad_norm", "grad_norm"}, {"seconds", "seconds_per_epoch"},
                                                        {"epoch", "epoch"},         {"val_dice", "val/dice"},
                                                        {"val_loss", "val/loss"}};
  std::map<std::string, double> scalars;
  for (const auto& [key, tag] : kTags) {
    if (entry.contains(key)) scalars[tag] = number_of_entry(entry.at(key));
  }
  for (const auto& [key, room] : {std::pair{"terms", "loss/"}, std::pair{"val_classes", "val/dice/"}}) {
    if (!entry.contains(key)) continue;
    const ConfigNode group = entry.at(key);
    for (const auto& name : group.keys()) scalars[room + name] = number_of_entry(group.at(name));
  }
  return scalars;
}

std::string epoch_record(const ConfigNode& entry) {
  return tf_record(scalar_event(entry.at("time").as_number(), entry.at("step").as_integer(), scalars_of(entry)));
}

/// What was there before this training goes on.
std::string logged_records(const fs::path& log) {
  std::string records, line;
  if (!fs::exists(log)) return records;
  std::istringstream lines(read_file(log));
  while (std::getline(lines, line)) {
    const ConfigNode entry = ConfigNode::parse(line, log.string());
    if (entry.contains("epoch")) records += epoch_record(entry);
  }
  return records;
}

fs::path events_folder(const RunFolder& folder) { return folder.path() / "tensorboard"; }

void remove_others(const fs::path& folder, const fs::path& kept) {
  std::vector<fs::path> old;
  std::error_code missing;
  for (const auto& item : fs::directory_iterator(folder, missing)) {
    const std::string name = item.path().filename().string();
    if (name.starts_with("events.out.tfevents.") && item.path() != kept) old.push_back(item.path());
  }
  for (const auto& file : old) fs::remove(file);
}

}  // namespace

std::string scalar_event(double time, int64_t step, const std::map<std::string, double>& values) {
  Message summary;
  for (const auto& [tag, number] : values) {
    const auto one =
        Message().bytes(value_field::kTag, tag).number(value_field::kSimpleValue, static_cast<float>(number));
    summary.bytes(kSummaryValue, one.str());
  }
  return event_at(time, step).bytes(event_field::kSummary, summary.str()).str();
}

EventFile::EventFile(const RunFolder& folder, const ConfigNode& experiment) {
  const fs::path place = events_folder(folder);
  make_folder(place);
  const double start = seconds_since_1970();
  file_ = place / text("events.out.tfevents.", static_cast<int64_t>(start), ".", this_host(), ".", getpid(), ".lamina");
  // The word "start" at step 0 tells a TensorBoard that has an older file open to forget what it showed.
  const std::string session = Message().integer(kSessionStatus, kSessionStart).str();
  write_file(file_, tf_record(event_at(start, 0).bytes(event_field::kFileVersion, "brain.Event:2").str()) +
                        tf_record(event_at(start, 0).bytes(event_field::kSessionLog, session).str()) +
                        tf_record(text_event("experiment", "```json\n" + experiment.dump(2) + "\n```")) +
                        logged_records(folder.log()));
  remove_others(place, file_);
  out_.open(file_, std::ios::binary | std::ios::app);
}

void EventFile::add(const ConfigNode& entry) {
  out_ << epoch_record(entry) << std::flush;
  if (!out_) throw StorageError(text("cannot write ", file_.string(), ": ", std::strerror(errno)));
}

void EventFile::remove_all(const RunFolder& folder) { remove_others(events_folder(folder), {}); }

}  // namespace lamina::engine
