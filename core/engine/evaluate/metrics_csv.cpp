// metrics.csv: one row per case, metric and class.
#include "engine/evaluate/evaluation.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>

namespace lamina::engine {
namespace {

constexpr const char* kHeader = "case,group,class,class_name,metric,value,flag,n_pred,n_ref,n_both,n_voxels";
constexpr size_t kColumns = 11;

/// In quotes where a comma, a quote or a line break is inside; quotes are doubled.
std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\n\r") == std::string::npos) return field;
  std::string result = "\"";
  for (const char c : field) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::string value_text(double value) {
  if (std::isnan(value)) return "";
  std::ostringstream out;
  out.precision(9);
  out << value;
  return out.str();
}

/// Cuts a table into records; a quoted field may hold separators.
class Records {
 public:
  explicit Records(const std::string& content) : content_(content) {}
  bool more() const { return at_ < content_.size(); }
  size_t line() const { return line_; }

  std::vector<std::string> next() {
    ++line_;
    std::vector<std::string> fields(1);
    for (bool inside = false; at_ < content_.size(); ++at_) {
      const char c = content_[at_];
      const bool doubled = inside && c == '"' && at_ + 1 < content_.size() && content_[at_ + 1] == '"';
      if (doubled) {
        fields.back() += content_[++at_];
      } else if (c == '"') {
        inside = !inside;
      } else if (!inside && c == ',') {
        fields.emplace_back();
      } else if (!inside && c == '\n') {
        ++at_;
        break;
      } else if (inside || c != '\r') {
        fields.back() += c;
      }
    }
    return fields;
  }

 private:
  const std::string& content_;
  size_t at_ = 0, line_ = 0;
};

template <class Number>
Number number_of(const std::string& field) {
  Number number{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (error != std::errc() || end != field.data() + field.size()) throw DataError(text("'", field, "' is no number"));
  return number;
}

MetricRow row_of(const std::vector<std::string>& fields) {
  if (fields.size() != kColumns) throw DataError(text(fields.size(), " fields instead of ", kColumns));
  MetricRow row{fields[0], fields[1],
                fields[4], number_of<int64_t>(fields[2]),
                fields[3], std::numeric_limits<double>::quiet_NaN(),
                {},        fields[6]};
  if (!fields[5].empty()) row.value = number_of<double>(fields[5]);
  row.counts = {number_of<int64_t>(fields[7]), number_of<int64_t>(fields[8]), number_of<int64_t>(fields[9]),
                number_of<int64_t>(fields[10])};
  return row;
}

}  // namespace

void write_metrics_csv(const std::filesystem::path& file, const std::vector<MetricRow>& rows) {
  std::ostringstream out;
  out << kHeader << "\n";
  for (const auto& row : rows) {
    const auto& counts = row.counts;
    out << quoted(row.case_id) << ',' << quoted(row.group) << ',' << row.class_id << ',' << quoted(row.class_name)
        << ',' << quoted(row.metric) << ',' << value_text(row.value) << ',' << row.flag << ',' << counts.predicted
        << ',' << counts.reference << ',' << counts.both << ',' << counts.voxels << "\n";
  }
  write_file(file, out.str());
}

std::vector<MetricRow> read_metrics_csv(const std::filesystem::path& file) {
  const std::string content = read_file(file);
  Records records(content);
  if (join(records.next(), ",") != kHeader)
    throw DataError(text(file.string(), ": no table of metrics; its first line should be ", kHeader));
  std::vector<MetricRow> rows;
  while (records.more()) {
    const auto fields = records.next();
    try {
      rows.push_back(row_of(fields));
    } catch (const DataError& error) {
      throw DataError(text(file.string(), ", record ", records.line(), ": ", error.what()));
    }
  }
  return rows;
}

}  // namespace lamina::engine
