// runs/index.sqlite: every run of a folder of runs, for questions over all of them. A cache: the run folders are the
// truth, and what is missing, damaged, of another version or older than they is read again.
#pragma once

#include "engine/index/database.hpp"

#include <lamina/plugin/registry.hpp>

#include <filesystem>
#include <optional>

namespace lamina::engine {

class RunIndex {
 public:
  /// Opens the index and brings it up to date; kept in memory, with one warning, where the file system refuses.
  /// `registry` tells which metrics want to be low. ConfigError when `runs` is no folder.
  RunIndex(std::filesystem::path runs, const Registry& registry);

  /// The answer of `question(database)`; a damage that only the question meets is repaired first.
  template <class Question>
  auto ask(const Question& question) {
    try {
      return question(static_cast<const Database&>(*database_));
    } catch (const DatabaseError& problem) {
      rebuild(problem);
      return question(static_cast<const Database&>(*database_));
    }
  }

  const std::filesystem::path& runs() const { return runs_; }
  int64_t runs_read() const { return runs_read_; }  ///< new and changed ones, since the index was opened

 private:
  void open(const std::filesystem::path& file);
  void rebuild(const DatabaseError& problem);
  void settle();

  std::filesystem::path runs_;
  const Registry& registry_;
  std::optional<Database> database_;
  int64_t runs_read_ = 0;
};

}  // namespace lamina::engine
