// Appends to a run's log and curves, and cuts them back when a run goes on from an older checkpoint.
#include "engine/train/run_log.hpp"

#include "engine/run/liveness.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// Keeps the complete lines that `keep` agrees to.
void cut(const fs::path& file, const std::function<bool(const std::string&)>& keep) {
  if (!fs::exists(file)) return;
  const std::string content = read_file(file);
  std::string kept;
  size_t begin = 0;
  for (size_t end = content.find('\n'); end != std::string::npos; begin = end + 1, end = content.find('\n', begin)) {
    const std::string line = content.substr(begin, end - begin);
    if (keep(line)) kept += line + "\n";
  }
  if (kept != content) write_file(file, kept);
}

void append(const fs::path& file, const std::string& line) {
  std::ofstream out(file, std::ios::app);
  out << line << std::flush;
  if (!out) throw StorageError(text("cannot write ", file.string(), ": ", std::strerror(errno)));
}

/// The shortest text that reads back as the same number.
std::string number(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  return {buffer, end};
}

std::string number(const std::optional<double>& value) { return value ? number(*value) : ""; }

std::string header_of(const EpochRow& row) {
  std::string header = "epoch,step,lr,loss";
  for (const auto& [name, value] : row.terms) header += ",loss." + name;
  return header + ",grad_norm,val_dice,val_loss,seconds\n";
}

std::string line_of(const EpochRow& row) {
  std::string line = text(row.epoch, ",", row.step, ",", number(row.rate), ",", number(row.loss));
  for (const auto& [name, value] : row.terms) line += "," + number(value);
  return text(line, ",", number(row.grad_norm), ",", number(row.val_dice), ",", number(row.val_loss), ",",
              number(row.seconds), "\n");
}

ConfigNode node_of(const std::map<std::string, double>& values) {
  ConfigNode node = ConfigNode::object();
  for (const auto& [name, value] : values) node.set(name, value);
  return node;
}

ConfigNode node_of(const EpochRow& row) {
  ConfigNode node = ConfigNode::object();
  node.set("epoch", row.epoch);
  node.set("step", row.step);
  node.set("lr", row.rate);
  node.set("loss", row.loss);
  node.set("terms", node_of(row.terms));
  node.set("grad_norm", row.grad_norm);
  node.set("seconds", row.seconds);
  if (row.val_dice) node.set("val_dice", *row.val_dice);
  if (row.val_loss) node.set("val_loss", *row.val_loss);
  if (!row.val_classes.empty()) node.set("val_classes", node_of(row.val_classes));
  node.set("time", seconds_since_1970());
  return node;
}

const char* word_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warning:
      return "warning";
    case LogLevel::Error:
      return "error";
  }
  return "info";
}

bool row_is_done(const std::string& line, int64_t epochs) {
  int64_t epoch = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), epoch);
  return error != std::errc() || epoch <= epochs;  // the header is no number
}

bool entry_is_done(const std::string& line, int64_t steps, int64_t epochs) {
  try {
    const ConfigNode node = ConfigNode::parse(line);
    if (node.contains("epoch")) return node.at("epoch").as_integer() <= epochs;
    return node.at("step").as_integer() <= steps;
  } catch (const Error&) {
    return false;  // half a line of a killed run
  }
}

}  // namespace

RunLog::RunLog(const RunFolder& folder, const Counters& done)
    : log_(folder.log()), curves_(folder.curves()), step_(done.step) {
  cut(curves_, [&](const std::string& line) { return row_is_done(line, done.epoch); });
  cut(log_, [&](const std::string& line) { return entry_is_done(line, done.step, done.epoch); });
  set_log_listener([this](LogLevel level, const std::string& message) { say(level, message); });
}

RunLog::~RunLog() { set_log_listener({}); }

ConfigNode RunLog::add(const EpochRow& row) {
  const std::lock_guard hold(mutex_);
  std::error_code missing;
  const bool fresh = fs::file_size(curves_, missing) == 0 || missing;
  append(curves_, (fresh ? header_of(row) : "") + line_of(row));
  const ConfigNode entry = node_of(row);
  append(log_, entry.dump() + "\n");
  return entry;
}

void RunLog::say(LogLevel level, const std::string& message) {
  ConfigNode node = ConfigNode::object();
  node.set("level", word_of(level));
  node.set("message", message);
  node.set("step", step_.load());
  node.set("time", seconds_since_1970());
  const std::lock_guard hold(mutex_);
  try {
    append(log_, node.dump() + "\n");
  } catch (const StorageError&) {
    // The line stands on stderr; a full disk is reported by the next epoch or checkpoint.
  }
}

}  // namespace lamina::engine
