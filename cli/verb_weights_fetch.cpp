// lamina weights fetch: brings published weights, or says plainly why it cannot.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/weights/download.hpp"
#include "engine/weights/official.hpp"

#include <lamina/base/text.hpp>

#include <cstdlib>

namespace lamina::cli {
namespace {

constexpr const char* kMirror = "LAMINA_WEIGHTS_URL";

bool is_url(const std::string& word) { return word.find("://") != std::string::npos; }

/// A mirror holds the official files under their own names.
std::string mirrored(const engine::OfficialWeights& weights) {
  const char* mirror = std::getenv(kMirror);
  if (!mirror || !*mirror) return weights.url;
  std::string start = mirror;
  while (start.ends_with('/')) start.pop_back();
  return start + "/" + weights.file();
}

std::string file_of_url(const std::string& url) {
  const std::string name = split(url.substr(0, url.find_first_of("?#")), '/').back();
  if (name.empty()) throw ConfigError(text("'", url, "' ends with no file name"));
  return name;
}

engine::DownloadTarget target_of(const po::variables_map& arguments) {
  const std::string name = word_of(arguments, "name"), hash = word_of(arguments, "sha256");
  const std::filesystem::path folder = word_of(arguments, "output");
  if (is_url(name)) return {name, folder / file_of_url(name), 0, hash};
  const engine::OfficialWeights& weights = engine::official_weights(name);
  if (!hash.empty()) throw ConfigError("--sha256 is for a URL; the hashes of official weights are known");
  return {mirrored(weights), folder / weights.file(), weights.bytes, weights.sha256};
}

int list_official(const po::variables_map& arguments) {
  ConfigNode list = ConfigNode::array();
  std::vector<std::vector<std::string>> rows;
  for (const engine::OfficialWeights& one : engine::official_weights()) {
    ConfigNode node = ConfigNode::object();
    node.set("name", one.name);
    node.set("what", one.what);
    node.set("url", one.url);
    node.set("bytes", static_cast<int64_t>(one.bytes));
    node.set("sha256", one.sha256);
    node.set("map", one.map);
    list.push_back(std::move(node));
    rows.push_back({one.name, one.what, text(one.bytes, " bytes"), text("map ", one.map), one.url});
  }
  print(arguments, list, table(rows));
  return 0;
}

int fetch(const po::variables_map& arguments) {
  if (arguments.contains("list")) return list_official(arguments);
  if (!arguments.contains("name"))
    throw ConfigError("'lamina weights fetch' needs a name or a URL; --list shows the names");
  const engine::DownloadTarget target = target_of(arguments);
  engine::install_interrupt_handlers();
  const bool brought = engine::download(target);
  ConfigNode node = ConfigNode::object();
  node.set("file", target.file.string());
  node.set("url", target.url);
  node.set("fetched", brought);
  const char* verified = target.sha256.empty() ? "" : ", its SHA-256 is right";
  print(arguments, node, text(target.file.string(), brought ? "" : " was there already", verified, "\n"));
  return 0;
}

}  // namespace

Verb weights_fetch_verb() {
  return {"weights fetch",
          "downloads published weights, going on where an earlier try stopped, and verifies them",
          "lamina weights fetch NAME | URL | --list [--output DIR]",
          "lamina weights fetch sam_vit_b",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("name", po::value<std::string>(), "one of --list, or a URL");
            add("list", "shows names, sizes and addresses");
            add("output", po::value<std::string>()->default_value(".")->value_name("DIR"), "where the file goes");
            add("sha256", po::value<std::string>()->value_name("HASH"), "what a URL's file must hash to");
            declare_json(options);
            positional.add("name", 1);
          },
          fetch};
}

}  // namespace lamina::cli
