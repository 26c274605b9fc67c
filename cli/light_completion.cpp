// lamina completion: a script that lets the shell finish verbs and options.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include "help.hpp"
#include "verbs.hpp"

#include <iostream>

namespace lamina::cli {
namespace {

std::string long_options(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return join(names, " ");
}

/// One line of the shell's `case`: the verb and its options.
std::string case_line(const Verb& verb) {
  po::options_description options;
  po::positional_options_description positional;
  verb.declare(options, positional);
  options.add(global_options());
  return text("    '", verb.name, "') options='", long_options(options), "' ;;\n");
}

/// Words of two-word verbs are offered one after the other.
std::string second_words(const std::vector<Verb>& verbs) {
  std::string lines;
  for (const auto& verb : verbs) {
    const auto words = split(verb.name, ' ');
    if (words.size() == 2) lines += text("    ", words[0], ") second+=' ", words[1], "' ;;&\n");
  }
  return lines;
}

std::string bash_script() {
  auto verbs = all_verbs();
  std::erase_if(verbs, [](const Verb& verb) { return verb.summary.empty(); });
  std::string first, cases;
  for (const auto& verb : verbs) {
    first += split(verb.name, ' ').front() + " ";
    cases += case_line(verb);
  }
  return text(
      "# bash completion of lamina; use it with: source <(lamina completion bash)\n"
      "_lamina() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} one=${COMP_WORDS[1]} two=${COMP_WORDS[2]} second='' options=''\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '",
      first, long_options(global_options()),
      "' -- \"$word\"))\n    return\n  fi\n"
      "  case $one in\n",
      second_words(verbs),
      "    *) ;;\n  esac\n"
      "  if [ \"$COMP_CWORD\" = 2 ] && [ -n \"$second\" ]; then\n"
      "    COMPREPLY=($(compgen -W \"$second\" -- \"$word\"))\n    return\n  fi\n"
      "  [ -n \"$second\" ] && one=\"$one $two\"\n"
      "  case $one in\n",
      cases,
      "  esac\n"
      "  case $word in\n    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n    *) COMPREPLY=() ;;\n  "
      "esac\n"
      "}\n"
      "complete -o default -F _lamina lamina\n");
}

int run(const po::variables_map& arguments) {
  const std::string shell = arguments["shell"].as<std::string>();
  if (shell != "bash") throw ConfigError(text("there is no completion for '", shell, "'; expected bash"));
  std::cout << bash_script();
  return 0;
}

}  // namespace

Verb completion_verb() {
  return {"completion",
          "prints a script that lets the shell finish verbs and options",
          "lamina completion bash",
          "source <(lamina completion bash)",
          [](po::options_description& options, po::positional_options_description& positional) {
            options.add_options()("shell", po::value<std::string>()->required(), "bash");
            positional.add("shell", 1);
          },
          run};
}

}  // namespace lamina::cli
