// The findings of a data check as text and as JSON.
#include "engine/data/check.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <iomanip>

namespace lamina::engine {
namespace {

template <class Value, class Get>
std::vector<Value> gather(const std::vector<CaseRecord>& cases, Get get) {
  std::vector<Value> values;
  for (const auto& one : cases) {
    if (one.readable) values.push_back(get(one));
  }
  std::sort(values.begin(), values.end());
  return values;
}

// "24..36 (median 32)", or "32" where all are equal.
template <class Value>
std::string spread(const std::vector<Value>& sorted) {
  if (sorted.empty()) return "-";
  if (sorted.front() == sorted.back()) return text(sorted.front());
  return text(sorted.front(), "..", sorted.back(), " (median ", sorted[sorted.size() / 2], ")");
}

struct ClassCount {
  int64_t cases = 0, voxels = 0, all = 0;
};

std::vector<ClassCount> count_classes(const DataCheck& check) {
  std::vector<ClassCount> counts(check.info.classes.size());
  for (const auto& one : check.cases) {
    int64_t all = 0;
    for (const int64_t voxels : one.voxels) all += voxels;
    for (size_t c = 0; c < one.voxels.size(); ++c) {
      counts[c].cases += one.voxels[c] > 0 ? 1 : 0;
      counts[c].voxels += one.voxels[c];
      counts[c].all += all;
    }
  }
  return counts;
}

int64_t count_split(const DataCheck& check, const std::string& split) {
  const auto found = check.split_sizes.find(split);
  return found == check.split_sizes.end() ? 0 : found->second;
}

void write_faults(std::ostream& out, const DataCheck& check) {
  const auto warnings =
      std::count_if(check.faults.begin(), check.faults.end(), [](const DataFault& one) { return one.warning; });
  const auto errors = static_cast<std::ptrdiff_t>(check.faults.size()) - warnings;
  for (const auto& fault : check.faults) {
    out << (fault.warning ? "warning: " : "error: ");
    if (!fault.case_id.empty() && fault.what.find(fault.case_id) == std::string::npos) out << fault.case_id << ": ";
    out << fault.what << '\n';
  }
  if (check.faults.empty()) {
    out << "no faults found\n";
  } else {
    out << errors << (errors == 1 ? " error, " : " errors, ") << warnings
        << (warnings == 1 ? " warning\n" : " warnings\n");
  }
}

void write_classes(std::ostream& out, const DataCheck& check) {
  size_t width = 5;
  for (const auto& name : check.info.classes) width = std::max(width, name.size());
  const auto counts = count_classes(check);
  for (size_t c = 0; c < counts.size(); ++c) {
    const double share =
        counts[c].all == 0 ? 0 : 100.0 * static_cast<double>(counts[c].voxels) / static_cast<double>(counts[c].all);
    out << "  " << std::setw(3) << c << "  " << std::left << std::setw(static_cast<int>(width)) << check.info.classes[c]
        << std::right << "  in " << std::setw(5) << counts[c].cases << " cases, " << std::setw(12) << counts[c].voxels
        << " voxels, " << std::fixed << std::setprecision(3) << std::setw(7) << share << " %\n"
        << std::defaultfloat << std::setprecision(6);
  }
}

template <class Number>
ConfigNode list_of(const std::vector<Number>& values) {
  ConfigNode list = ConfigNode::array();
  ConfigNode holder = ConfigNode::object();
  for (const Number value : values) {
    holder.set("v", value);
    list.push_back(holder.at("v"));
  }
  return list;
}

template <class Array>
auto as_vector(const Array& values) {
  return std::vector<typename Array::value_type>(values.begin(), values.end());
}

ConfigNode to_node(const CaseRecord& one) {
  ConfigNode node = ConfigNode::object();
  node.set("case", one.id);
  node.set("group", one.group);
  node.set("split", one.split);
  node.set("readable", one.readable);
  if (!one.readable) return node;
  node.set("size", list_of(as_vector(one.size)));
  node.set("spacing", list_of(as_vector(one.spacing)));
  node.set("minimum", list_of(one.minimum));
  node.set("maximum", list_of(one.maximum));
  node.set("class_voxels", list_of(one.voxels));
  return node;
}

}  // namespace

std::string DataCheck::to_text() const {
  std::ostringstream out;
  out << info.name << ": " << cases.size() << " cases (train " << count_split(*this, "train") << ", val "
      << count_split(*this, "val") << ", test " << count_split(*this, "test") << "), channels " << join(info.channels)
      << '\n';
  for (size_t axis = 0; axis < 3; ++axis) {
    out << "  "
        << "zyx"[axis] << ": size "
        << spread(gather<int64_t>(cases, [&](const CaseRecord& one) { return one.size[axis]; })) << ", spacing "
        << spread(gather<double>(cases, [&](const CaseRecord& one) { return one.spacing[axis]; })) << " mm\n";
  }
  for (size_t c = 0; c < info.channels.size(); ++c) {
    const auto at = [c](const std::vector<double>& values) { return c < values.size() ? values[c] : 0.0; };
    out << "  " << info.channels[c] << ": minimum "
        << spread(gather<double>(cases, [&](const CaseRecord& one) { return at(one.minimum); })) << ", maximum "
        << spread(gather<double>(cases, [&](const CaseRecord& one) { return at(one.maximum); })) << '\n';
  }
  write_classes(out, *this);
  write_faults(out, *this);
  return out.str();
}

ConfigNode DataCheck::to_json() const {
  ConfigNode node = ConfigNode::object();
  node.set("name", info.name);
  node.set("usable", usable());
  ConfigNode case_list = ConfigNode::array(), fault_list = ConfigNode::array(), class_list = ConfigNode::array();
  for (const auto& one : cases) case_list.push_back(to_node(one));
  for (const auto& fault : faults) {
    ConfigNode entry = ConfigNode::object();
    entry.set("level", fault.warning ? "warning" : "error");
    entry.set("case", fault.case_id);
    entry.set("what", fault.what);
    fault_list.push_back(entry);
  }
  const auto counts = count_classes(*this);
  for (size_t c = 0; c < counts.size(); ++c) {
    ConfigNode entry = ConfigNode::object();
    entry.set("name", info.classes[c]);
    entry.set("cases", counts[c].cases);
    entry.set("voxels", counts[c].voxels);
    class_list.push_back(entry);
  }
  node.set("cases", case_list);
  node.set("faults", fault_list);
  node.set("classes", class_list);
  return node;
}

}  // namespace lamina::engine
