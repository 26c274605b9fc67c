// DatasetInfo to and from JSON.
#include "engine/predict/dataset_info.hpp"

namespace lamina::engine {

namespace {

ConfigNode list_of(const std::vector<std::string>& words) {
  ConfigNode list = ConfigNode::array();
  for (const std::string& word : words) {
    ConfigNode holder = ConfigNode::object();
    holder.set("word", word);
    list.push_back(holder.at("word"));
  }
  return list;
}

std::vector<std::string> words_of(const ConfigNode& list) {
  std::vector<std::string> words;
  for (size_t i = 0; i < list.size(); ++i) words.push_back(list.at(i).as_text());
  return words;
}

}  // namespace

ConfigNode dataset_info_to_node(const DatasetInfo& info) {
  ConfigNode node = ConfigNode::object();
  node.set("name", info.name);
  node.set("channels", list_of(info.channels));
  node.set("classes", list_of(info.classes));
  node.set("ignore", ConfigNode());
  if (info.ignore) node.set("ignore", *info.ignore);
  node.set("flip_axes", list_of(info.flip_axes));
  node.set("credit", info.credit);
  node.set("generated", info.generated);
  return node;
}

DatasetInfo dataset_info_from_node(const ConfigNode& node) {
  DatasetInfo info;
  info.name = node.at("name").as_text();
  info.channels = words_of(node.at("channels"));
  info.classes = words_of(node.at("classes"));
  if (!node.at("ignore").is_null()) info.ignore = node.at("ignore").as_integer();
  info.flip_axes = words_of(node.at("flip_axes"));
  info.credit = node.at("credit").as_text();
  info.generated = node.at("generated").as_bool();
  return info;
}

}  // namespace lamina::engine
