// What --help and --version print.
#pragma once

#include "verb.hpp"

namespace lamina::cli {

/// --help, --version, --plugin-path, --log-level: every verb takes them.
po::options_description global_options();

/// All verbs with their summaries.
std::string program_help(const std::vector<Verb>& verbs);
/// Usage, arguments, options, example; made from the verb's declare().
std::string verb_help(const Verb& verb);
std::string program_version();

}  // namespace lamina::cli
