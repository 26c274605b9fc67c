// A verb of the program. Light verbs (list, help, ...) live in the program itself and touch no torch; the others live in
// liblamina_verbs.so, which is opened when one of them is asked for.
#pragma once

#include <boost/program_options.hpp>

#include <functional>
#include <string>
#include <vector>

namespace lamina::cli {

namespace po = boost::program_options;

struct Verb {
  std::string name;     ///< "train", "weights inspect", "plugin new"
  std::string summary;  ///< one line
  std::string usage;    ///< "lamina train EXPERIMENT [--set path=value ...]"
  std::string example;  ///< one command that works
  std::function<void(po::options_description& options, po::positional_options_description& positional)> declare;
  std::function<int(const po::variables_map& arguments)> run;  ///< returns the exit code; throws lamina::Error
};

/// In the program.
std::vector<Verb> light_verbs();

}  // namespace lamina::cli

/// The one symbol of liblamina_verbs.so.
using LaminaHeavyVerbs = std::vector<lamina::cli::Verb> (*)();
