// A thin layer over SQLite: a connection and prepared statements that throw.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace lamina::engine {

/// What SQLite refuses. Never reaches the user by itself: an index is a cache.
class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(const std::string& message, int code);
  bool is_damage() const;  ///< the file is no database, or its pages contradict each other
  bool is_busy() const;

 private:
  int code_;
};

/// Values are bound, never pasted into the text.
class Statement {
 public:
  Statement(sqlite3& database, const char* sql);

  /// Runs to the end with these values for ?1, ?2, ...
  template <class... Values>
  void run(const Values&... values) {
    bind(values...);
    while (step()) {
    }
  }
  template <class... Values>
  void bind(const Values&... values) {
    reset();
    int place = 0;
    (bind_one(++place, values), ...);
  }
  bool step();  ///< true: a row is there

  bool is_null(int column) const;
  int64_t integer(int column) const;
  std::optional<int64_t> optional_integer(int column) const;
  double number(int column) const;  ///< NaN for NULL
  std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  void reset();
  void bind_one(int place, int64_t value);
  void bind_one(int place, const std::optional<int64_t>& value);
  void bind_one(int place, double value);  // NaN: NULL
  void bind_one(int place, const std::string& value);
  void check(int code) const;

  sqlite3& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  /// Made when it is missing; ":memory:" is no file. Waits up to ten seconds for another writer.
  explicit Database(const std::filesystem::path& file);

  /// Readers and one writer do not wait for each other.
  void use_write_ahead_log() const;
  void execute(const char* sql) const;
  Statement prepare(const char* sql) const { return {*handle_, sql}; }
  int64_t integer(const char* sql) const;  ///< of the first row and column
  int64_t last_id() const;
  bool is_sound() const;  ///< reads every page: a damaged tree may hide rows without an error
  /// No table is left, whatever was in the file; other connections see that as any other change.
  void empty() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Undone unless committed.
class Transaction {
 public:
  explicit Transaction(const Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace lamina::engine
