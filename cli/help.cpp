// Help texts, laid out in two columns.
#include "help.hpp"

#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>
#include <lamina/plugin/stamp.hpp>

#include <algorithm>
#include <utility>

namespace lamina::cli {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kWidestFirstColumn = 26;

std::string columns(const Rows& rows) {
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, std::min(row.first.size(), kWidestFirstColumn));
  std::string lines;
  for (const auto& [left, right] : rows) {
    const std::string gap =
        left.size() > width ? "\n" + std::string(width + 4, ' ') : std::string(width - left.size() + 2, ' ');
    lines += text("  ", left, right.empty() ? "" : gap + right, "\n");
  }
  return lines;
}

std::string upper(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return word;
}

/// "--set VALUE", with the default behind the explanation.
std::pair<std::string, std::string> option_row(const po::option_description& option) {
  const auto& semantic = *option.semantic();
  // po writes "-h [ --help ]"
  const std::string formal = option.format_name();
  std::string name = formal.starts_with("--") ? formal : formal.substr(0, 2) + ", --" + option.long_name();
  if (semantic.max_tokens() > 0)
    name += " " + (semantic.name().starts_with("arg") ? "VALUE" : semantic.name().substr(0, semantic.name().find(' ')));
  std::string meaning = option.description();
  const size_t fallback = semantic.name().find("(=");
  if (semantic.max_tokens() > 0 && fallback != std::string::npos) {
    meaning += text(" [default: ", semantic.name().substr(fallback + 2, semantic.name().size() - fallback - 3), "]");
  }
  return {name, meaning};
}

Rows option_rows(const po::options_description& options) {
  Rows rows;
  for (const auto& option : options.options()) rows.push_back(option_row(*option));
  return rows;
}

}  // namespace

po::options_description global_options() {
  po::options_description options("every verb takes");
  auto add = options.add_options();
  add("help,h", "print this help");
  add("version", "print version and build");
  add("plugin-path", po::value<std::vector<std::string>>()->value_name("DIR")->composing(),
      "also look for plugins in this folder; may be given again");
  add("log-level", po::value<std::string>()->value_name("LEVEL")->default_value("info"),
      "debug, info, warning or error");
  return options;
}

std::string program_help(const std::vector<Verb>& verbs) {
  Rows rows;
  for (const auto& verb : verbs) {
    if (!verb.summary.empty()) rows.emplace_back(verb.name, verb.summary);  // without one: for lamina's own use
  }
  std::sort(rows.begin(), rows.end());
  return text(
      "lamina: medical image segmentation around SAM, made to be ablated\n\nusage: lamina VERB [arguments]\n\nverbs:\n",
      columns(rows), "\nevery verb takes:\n", columns(option_rows(global_options())),
      "\nlamina VERB --help says more, with an example.\n");
}

std::string verb_help(const Verb& verb) {
  po::options_description options;
  po::positional_options_description positional;
  verb.declare(options, positional);
  std::vector<std::string> places;
  const unsigned most = std::min(positional.max_total_count(), 8u);  // a last word may stand for endlessly many
  for (unsigned i = 0; i < most; ++i) places.push_back(positional.name_for_position(i));
  Rows arguments, others;
  for (const auto& option : options.options()) {
    const bool place = std::find(places.begin(), places.end(), option->long_name()) != places.end();
    if (place) {
      arguments.emplace_back(upper(option->long_name()), option->description());
    } else {
      others.push_back(option_row(*option));
    }
  }
  return text("lamina ", verb.name, ": ", verb.summary, "\n\nusage: ", verb.usage, "\n",
              arguments.empty() ? "" : "\narguments:\n" + columns(arguments),
              others.empty() ? "" : "\noptions:\n" + columns(others), "\nevery verb takes:\n",
              columns(option_rows(global_options())), "\nexample:\n  ", verb.example, "\n");
}

std::string program_version() {
  const auto& build = program_build();
  return text("lamina " LAMINA_VERSION " (plugin interface ", build.at("api"), ", torch ", build.at("torch"), " ",
              build.at("flavour"), ", ", build.at("compiler"), ", headers ", build.at("headers"), ")\n");
}

}  // namespace lamina::cli
