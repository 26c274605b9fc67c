// Opens, asks and repairs SQLite files.
#include "engine/index/database.hpp"

#include <cmath>
#include <limits>

#include <sqlite3.h>

namespace lamina::engine {

DatabaseError::DatabaseError(const std::string& message, int code) : std::runtime_error(message), code_(code) {}

// SQLITE_ERROR: the schema is not the one that its number promises.
bool DatabaseError::is_damage() const {
  const int primary = code_ & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR || primary == SQLITE_FORMAT;
}

bool DatabaseError::is_busy() const { return (code_ & 0xff) == SQLITE_BUSY; }

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3& database, const char* sql) : database_(database) {
  sqlite3_stmt* made = nullptr;
  check(sqlite3_prepare_v2(&database, sql, -1, &made, nullptr));
  statement_.reset(made);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) throw DatabaseError(sqlite3_errmsg(&database_), code);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) check(code);
  return false;
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

void Statement::bind_one(int place, int64_t value) { check(sqlite3_bind_int64(statement_.get(), place, value)); }

void Statement::bind_one(int place, const std::optional<int64_t>& value) {
  if (value) bind_one(place, *value);
}

void Statement::bind_one(int place, double value) {
  if (!std::isnan(value)) check(sqlite3_bind_double(statement_.get(), place, value));
}

void Statement::bind_one(int place, const std::string& value) {
  check(sqlite3_bind_text64(statement_.get(), place, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::optional<int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return {};
  return integer(column);
}

double Statement::number(int column) const {
  return is_null(column) ? std::numeric_limits<double>::quiet_NaN() : sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))) : "";
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(const std::filesystem::path& file) {
  constexpr int kPatience = 10'000;  // milliseconds
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  handle_.reset(opened);
  if (code != SQLITE_OK) throw DatabaseError(opened ? sqlite3_errmsg(opened) : "out of memory", code);
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, kPatience);
  execute("PRAGMA foreign_keys = ON");
}

void Database::execute(const char* sql) const {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw DatabaseError(sqlite3_errmsg(handle_.get()), code);
}

void Database::use_write_ahead_log() const {
  try {
    execute("PRAGMA journal_mode = WAL");
  } catch (const DatabaseError& problem) {
    if (!problem.is_busy()) throw;  // another process has the file, and sets the same
  }
}

int64_t Database::integer(const char* sql) const {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

bool Database::is_sound() const {
  Statement check = prepare("PRAGMA quick_check(1)");
  return check.step() && check.text(0) == "ok";
}

void Database::empty() const {
  // SQLite's own recipe, which works on damaged files too; the file is locked meanwhile, and never deleted under
  // others.
  sqlite3_table_column_metadata(handle_.get(), nullptr, "run", nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_RESET_DATABASE, 1, 0);
  const int code = sqlite3_exec(handle_.get(), "VACUUM", nullptr, nullptr, nullptr);
  const std::string problem = code == SQLITE_OK ? "" : sqlite3_errmsg(handle_.get());
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_RESET_DATABASE, 0, 0);
  if (code != SQLITE_OK) throw DatabaseError(problem, code);
}

Transaction::Transaction(const Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const DatabaseError&) {
    // A full disk has rolled back already.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace lamina::engine
