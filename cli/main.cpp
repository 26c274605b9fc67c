// The program `lamina`: finds the verb, reads its words, runs it. Touches no torch itself.
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include "help.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <new>
#include <optional>

namespace lamina::cli {
namespace {

using Words = std::vector<std::string>;

bool takes_value(const std::string& word) { return word == "--plugin-path" || word == "--log-level"; }

/// Position of the first word that is no global option; words.size() for none.
size_t first_word(const Words& words) {
  size_t at = 0;
  while (at < words.size() && words[at].starts_with("-")) at += takes_value(words[at]) ? 2 : 1;
  return std::min(at, words.size());
}

const Verb* find_verb(const std::vector<Verb>& verbs, const Words& words, size_t at) {
  const std::string one = words[at], two = at + 1 < words.size() ? one + " " + words[at + 1] : one;
  const auto named = [&](const std::string& name) {
    const auto found = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& verb) { return verb.name == name; });
    return found == verbs.end() ? nullptr : &*found;
  };
  const Verb* longer = named(two);
  return longer ? longer : named(one);
}

[[noreturn]] void refuse_verb(const Words& words, size_t at) {
  Words names, followers;
  for (const auto& verb : all_verbs()) {
    names.push_back(verb.name);
    if (verb.name.starts_with(words[at] + " ")) followers.push_back("lamina " + verb.name);
  }
  if (!followers.empty())
    throw ConfigError(text("'lamina ", words[at], "' needs one more word: ", join(followers, ", ")));
  const std::string two = at + 1 < words.size() ? words[at] + " " + words[at + 1] : words[at];
  const std::string hint = did_you_mean(words[at], names);
  throw ConfigError(text("there is no verb '", words[at], "'", hint.empty() ? did_you_mean(two, names) : hint,
                         "; lamina --help lists them"));
}

po::variables_map parse(const po::options_description& options, const po::positional_options_description& positional,
                        const Words& words) {
  namespace style = po::command_line_style;
  po::variables_map arguments;
  auto parser = po::command_line_parser(words).options(options).positional(positional);
  po::store(parser.style(style::unix_style & ~style::allow_guessing).run(), arguments);
  return arguments;
}

/// po's complaints in our words.
std::string complaint(const po::error& problem, const po::options_description& options) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&problem)) {
    Words names;
    for (const auto& option : options.options()) names.push_back("--" + option->long_name());
    return text("there is no option '", unknown->get_option_name(), "'",
                did_you_mean(unknown->get_option_name(), names));
  }
  if (dynamic_cast<const po::too_many_positional_options_error*>(&problem)) return "there are too many words";
  if (const auto* missing = dynamic_cast<const po::required_option*>(&problem)) {
    const std::string name = missing->get_option_name();
    return text("'", name.substr(name.find_first_not_of('-')), "' is missing");
  }
  return problem.what();
}

void apply_globals(const po::variables_map& arguments) {
  static const std::map<std::string, LogLevel> kLevels{
      {"debug", LogLevel::Debug}, {"info", LogLevel::Info}, {"warning", LogLevel::Warning}, {"error", LogLevel::Error}};
  const auto level = kLevels.find(arguments["log-level"].as<std::string>());
  if (level == kLevels.end()) {
    throw ConfigError(
        text("--log-level ", arguments["log-level"].as<std::string>(), ": expected debug, info, warning or error"));
  }
  set_log_level(level->second);
  if (!arguments.contains("plugin-path")) return;
  // Everyone who looks for plugins reads this variable, the heavy verbs too.
  Words folders;
  for (const auto& folder : arguments["plugin-path"].as<Words>()) {
    if (!std::filesystem::is_directory(folder))
      throw PluginError(text("--plugin-path ", folder, ": there is no such folder"));
    folders.push_back(std::filesystem::canonical(folder).string());
  }
  const char* before = std::getenv("LAMINA_PLUGIN_PATH");
  if (before) folders.emplace_back(before);
  setenv("LAMINA_PLUGIN_PATH", join(folders, ":").c_str(), 1);
}

int run_verb(const Verb& verb, const Words& words) {
  po::options_description options;
  po::positional_options_description positional;
  verb.declare(options, positional);
  options.add(global_options());
  po::variables_map arguments;
  try {
    arguments = parse(options, positional, words);
    if (arguments.contains("help")) {
      std::cout << verb_help(verb);
      return 0;
    }
    po::notify(arguments);
  } catch (const po::error& problem) {
    throw ConfigError(text(complaint(problem, options), "\nusage: ", verb.usage));
  }
  apply_globals(arguments);
  return verb.run(arguments);
}

int run_without_verb(const Words& words) {
  const auto options = global_options();
  po::variables_map arguments;
  try {
    arguments = parse(options, {}, words);
  } catch (const po::error& problem) {
    throw ConfigError(
        text(complaint(problem, options), "\nusage: lamina VERB [arguments]; lamina --help lists the verbs"));
  }
  std::cout << (arguments.contains("version") ? program_version() : program_help(all_verbs()));
  return 0;
}

int run(Words words) {
  size_t at = first_word(words);
  if (at < words.size() && words[at] == "help") {
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
    words.emplace_back("--help");
    at = first_word(words);
  }
  if (at == words.size()) return run_without_verb(words);
  const auto light = light_verbs();
  const Verb* verb = find_verb(light, words, at);
  if (!verb) verb = find_verb(heavy_verbs(), words, at);
  if (!verb) refuse_verb(words, at);
  const auto count = std::count(verb->name.begin(), verb->name.end(), ' ') + 1;
  const auto first = words.begin() + static_cast<std::ptrdiff_t>(at);
  words.erase(first, first + count);
  return run_verb(*verb, words);
}

int run_and_report(const Words& words) {
  try {
    return run(words);
  } catch (const Interrupted& stop) {
    log_warning(stop.what());
    return stop.exit_code();
  } catch (const Error& problem) {
    log_error(problem.what());
    return problem.exit_code();
  } catch (const std::bad_alloc&) {
    log_error("out of memory");
  } catch (const std::exception& problem) {
    log_error(problem.what());
  }
  return 1;
}

}  // namespace
}  // namespace lamina::cli

int main(int count, char** words) { return lamina::cli::run_and_report({words + 1, words + count}); }
