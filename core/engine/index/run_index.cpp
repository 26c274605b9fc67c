// Opens the index, repairs it, or does without a file.
#include "engine/index/run_index.hpp"

#include "engine/index/refresh.hpp"
#include "engine/index/scan.hpp"
#include "engine/index/schema.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

int64_t version_of(const Database& database) { return database.integer("PRAGMA user_version"); }

void make_tables(const Database& database) {
  Transaction whole(database);
  if (version_of(database) == kIndexVersion) return;  // another process was quicker
  database.execute(kIndexTables);
  database.execute(text("PRAGMA user_version = ", kIndexVersion).c_str());
  whole.commit();
}

}  // namespace

RunIndex::RunIndex(std::filesystem::path runs, const Registry& registry) : runs_(std::move(runs)), registry_(registry) {
  scan_runs(runs_);  // a folder that is none is the user's mistake, and no file is made for it
  const auto file = runs_ / "index.sqlite";
  try {
    open(file);
  } catch (const DatabaseError& problem) {
    log_warning(text(file.string(), " cannot be kept (", problem.what(), "): every run is read anew this time"));
    open(":memory:");
  }
}

void RunIndex::open(const std::filesystem::path& file) {
  database_.emplace(file);
  try {
    settle();
  } catch (const DatabaseError& problem) {
    rebuild(problem);
  }
}

void RunIndex::rebuild(const DatabaseError& problem) {
  if (!problem.is_damage()) throw problem;
  database_->empty();
  settle();
}

void RunIndex::settle() {
  const int64_t version = version_of(*database_);
  if (version != 0 && (version != kIndexVersion || !database_->is_sound())) database_->empty();
  database_->use_write_ahead_log();
  if (version_of(*database_) != kIndexVersion) make_tables(*database_);
  runs_read_ += refresh_index(*database_, runs_, registry_);
}

}  // namespace lamina::engine
