// The two ways to name pairs: a list, or two folders.
#include "pairs.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <algorithm>
#include <regex>
#include <set>

namespace lamina {
namespace {

namespace fs = std::filesystem;

// One line of CSV; a field in double quotes may hold commas, and doubled quotes one quote.
std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

const std::vector<std::string> kColumns{"case", "image", "label", "instances", "group", "split"};

std::map<std::string, size_t> read_columns(const std::string& line, const fs::path& file) {
  std::map<std::string, size_t> columns;
  const auto names = csv_fields(line);
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(kColumns.begin(), kColumns.end(), names[i]) == kColumns.end()) {
      throw DataError(text(file.string(), ": unknown column '", names[i], "'", did_you_mean(names[i], kColumns),
                           "; known are ", join(kColumns)));
    }
    columns[names[i]] = i;
  }
  for (const char* needed : {"case", "image"}) {
    if (!columns.contains(needed))
      throw DataError(text(file.string(), ": lacks the column '", needed, "'; its first line names ", join(names)));
  }
  return columns;
}

PairsCase read_row(const std::string& line, const std::map<std::string, size_t>& columns, const fs::path& folder,
                   const std::string& where) {
  const auto fields = csv_fields(line);
  if (fields.size() != columns.size()) {
    throw DataError(text(where, ": has ", fields.size(), " fields; the first line names ", columns.size()));
  }
  const auto field = [&](const std::string& name) {
    const auto column = columns.find(name);
    return column == columns.end() ? "" : fields[column->second];
  };
  PairsCase one;
  one.files.id = field("case");
  one.files.group = field("group");
  one.split = field("split");
  for (const auto& name : split(field("image"), ';')) one.files.images.push_back(folder / name);
  if (!field("label").empty()) one.files.label = folder / field("label");
  if (!field("instances").empty()) one.files.instances = folder / field("instances");
  if (one.files.id.empty() || field("image").empty())
    throw DataError(text(where, ": 'case' and 'image' must not be empty"));
  if (!one.split.empty() && one.split != "train" && one.split != "val" && one.split != "test") {
    throw DataError(text(where, ": split is '", one.split, "'; expected train, val or test"));
  }
  return one;
}

// Name without extension, or what the pattern's first parenthesis captures; "" for files that are not meant.
std::string key_of(const fs::path& file, const std::string& pattern) {
  const std::string name = file.filename().string();
  if (pattern.empty()) return is_image_file(file) ? name.substr(0, name.size() - image_extension(file).size()) : "";
  std::smatch match;
  if (!std::regex_search(name, match, std::regex(pattern))) return "";
  return match.size() > 1 ? match.str(1) : match.str(0);
}

std::map<std::string, fs::path> files_by_key(const fs::path& folder, const std::string& pattern) {
  if (!fs::is_directory(folder))
    throw ConfigError(text("'", folder.string(), "' is no folder; 'images' and 'labels' name folders"));
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string key = key_of(entry.path(), pattern);
    if (key.empty()) continue;
    const auto [known, fresh] = files.emplace(key, entry.path());
    if (!fresh) {
      throw DataError(text(folder.string(), ": ", known->second.filename().string(), " and ",
                           entry.path().filename().string(), " are both case '", key, "'; narrow the pattern"));
    }
  }
  if (files.empty())
    throw DataError(text(folder.string(), ": holds no image", pattern.empty() ? "" : " that the pattern matches"));
  return files;
}

}  // namespace

std::vector<PairsCase> read_list(const fs::path& file) {
  const auto lines = split(read_file(file), '\n');
  const auto columns = read_columns(lines.at(0), file);
  std::vector<PairsCase> cases;
  std::set<std::string> seen;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i] == "\r") continue;
    const std::string where = text(file.string(), " line ", i + 1);
    cases.push_back(read_row(lines[i], columns, file.parent_path(), where));
    if (!seen.insert(cases.back().files.id).second)
      throw DataError(text(where, ": case '", cases.back().files.id, "' is named twice"));
  }
  if (cases.empty()) throw DataError(text(file.string(), ": names no case"));
  return cases;
}

std::vector<PairsCase> match_folders(const fs::path& root, const PairsOptions& options) {
  const auto images = files_by_key(root / options.images, options.image_pattern);
  const auto labels = files_by_key(root / options.labels, options.label_pattern);
  std::vector<std::string> lonely;
  std::vector<PairsCase> cases;
  for (const auto& [key, file] : images) {
    const auto label = labels.find(key);
    if (label == labels.end()) {
      lonely.push_back(key);
      continue;
    }
    PairsCase one;
    one.files.id = key;
    one.files.images = {file};
    one.files.label = label->second;
    cases.push_back(std::move(one));
  }
  if (!lonely.empty()) {
    if (lonely.size() > 20) lonely.resize(20), lonely.emplace_back("...");
    throw DataError(text("no label in ", (root / options.labels).string(), " for the images ", join(lonely),
                         "; labels are matched by name, or by label_pattern"));
  }
  return cases;
}

}  // namespace lamina
