// dataset.json of nnU-Net, version 2 and the older one of the Medical Segmentation Decathlon.
#include "nnunet_raw.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>

namespace lamina {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> as_index(const std::string& key) {
  if (key.empty() || key.size() > 6 || key.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoll(key);
}

// {"0": "T1", "1": "T2"} in the order of its keys.
std::vector<std::string> read_channels(const ConfigNode& root, const fs::path& file) {
  const std::string key = root.contains("channel_names") ? "channel_names" : "modality";
  if (!root.contains(key)) throw DataError(text(file.string(), ": lacks 'channel_names', for example {\"0\": \"CT\"}"));
  const ConfigNode node = root.at(key);
  std::vector<std::string> channels;
  for (size_t i = 0; i < node.size(); ++i) {
    const std::string index = std::to_string(i);
    if (!node.contains(index)) {
      throw DataError(
          text(file.string(), ": '", key, "' has the keys ", join(node.keys()), "; expected 0 to ", node.size() - 1));
    }
    channels.push_back(node.at(index).as_text());
  }
  if (channels.empty()) throw DataError(text(file.string(), ": '", key, "' is empty; expected at least one channel"));
  return channels;
}

using NamedLabel = std::pair<int64_t, std::string>;

// {"liver": 1}, or {"1": "liver"} in the older files.
std::vector<NamedLabel> read_named_labels(const ConfigNode& node, const fs::path& file) {
  std::vector<NamedLabel> labels;
  for (const auto& key : node.keys()) {
    const ConfigNode value = node.at(key);
    if (value.is_array()) {
      throw DataError(text(file.string(), ": label '", key,
                           "' is a region (a list of values): regions are not read yet; give each value a label"));
    }
    if (value.is_integer()) {
      labels.emplace_back(value.as_integer(), key);
    } else if (const auto index = as_index(key); index && value.is_string()) {
      labels.emplace_back(*index, value.as_text());
    } else {
      throw DataError(text(file.string(), ": label '", key, "' is ", value.dump(), "; expected a whole number"));
    }
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

void read_labels_into(DatasetInfo& info, const ConfigNode& root, const fs::path& file) {
  if (!root.contains("labels") || !root.at("labels").is_object()) {
    throw DataError(text(file.string(), ": lacks 'labels', for example {\"background\": 0, \"liver\": 1}"));
  }
  for (const auto& [value, name] : read_named_labels(root.at("labels"), file)) {
    if (name == "ignore") {
      info.ignore = value;
      continue;
    }
    if (value != static_cast<int64_t>(info.classes.size())) {
      throw DataError(text(file.string(), ": label values must be 0, 1, 2 ... without gaps, 0 = background; '", name,
                           "' has ", value, ", expected ", info.classes.size()));
    }
    info.classes.push_back(name);
  }
  if (info.classes.size() < 2) throw DataError(text(file.string(), ": 'labels' names no class beside the background"));
  if (info.ignore && *info.ignore != static_cast<int64_t>(info.classes.size())) {
    throw DataError(text(file.string(), ": 'ignore' is ", *info.ignore,
                         "; expected the highest label + 1 = ", info.classes.size()));
  }
}

fs::path beside(const fs::path& folder, const std::string& name) {
  return fs::path(name).is_absolute() ? fs::path(name) : folder / name;
}

std::vector<CaseFiles> read_listed(const ConfigNode& map, const fs::path& folder) {
  std::vector<CaseFiles> cases;
  for (const auto& id : map.keys()) {
    const ConfigNode entry = map.at(id);
    CaseFiles one;
    one.id = id;
    const ConfigNode images = entry.at("images");
    for (size_t i = 0; i < images.size(); ++i) one.images.push_back(beside(folder, images.at(i).as_text()));
    one.label = beside(folder, entry.at("label").as_text());
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace

NnunetDescription read_description(const fs::path& folder) {
  const fs::path file = folder / "dataset.json";
  if (!fs::is_regular_file(file)) {
    throw DataError(
        text(folder.string(),
             ": has no dataset.json; expected a folder in nnU-Net's raw layout (dataset.json, imagesTr, labelsTr)"));
  }
  const ConfigNode root = ConfigNode::parse(read_file(file), file.string());
  if (!root.is_object()) throw DataError(text(file.string(), ": is a ", root.type_name(), "; expected an object"));
  NnunetDescription out;
  out.info.name = root.text_or("name", folder.filename().string());
  out.info.channels = read_channels(root, file);
  read_labels_into(out.info, root, file);
  out.info.credit =
      join(std::vector{root.text_or("reference", ""), root.text_or("licence", root.text_or("license", ""))}, " ");
  out.file_ending = root.text_or("file_ending", ".nii.gz");
  if (root.contains("dataset")) out.listed = read_listed(root.at("dataset"), folder);
  return out;
}

}  // namespace lamina
