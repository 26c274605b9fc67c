// Runs the program as a user does.
#pragma once

#include <lamina/base/atomic_file.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace lamina {

struct Outcome {
  int code = -1;
  std::string out, err;
};

/// `words` as typed in a shell after `lamina`; `before`: variables, as in "A=1 lamina".
inline Outcome lamina(const std::string& words, const std::string& before = "") {
  const auto folder = std::filesystem::temp_directory_path() / ("lamina-cli-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string out = folder / "out", err = folder / "err";
  const std::string command = before + " " LAMINA_PROGRAM " " + words + " >" + out + " 2>" + err;
  const int status = std::system(command.c_str());
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)};
  std::filesystem::remove_all(folder);
  return outcome;
}

}  // namespace lamina
