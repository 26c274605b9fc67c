// A file is written beside its place, flushed, then renamed: readers see the old one or the new one.
#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace lamina {
namespace {

namespace fs = std::filesystem;

std::string reason_of(int error) {
  const std::string system = std::strerror(error);
  switch (error) {
    case ENOSPC:
      return text("the disk is full (", system, "); free some space and run again");
    case EDQUOT:
      return text("your quota on this disk is used up (", system, "); free some space and run again");
    case EACCES:
    case EPERM:
      return text("no permission to write there (", system, ")");
    case EROFS:
      return text("the file system is read-only (", system, ")");
    case ENOENT:
      return text("the folder does not exist (", system, ")");
    case ENOTDIR:
      return text("a part of the path is no folder (", system, ")");
    case EFBIG:
      return text("the file would be larger than this system allows (", system, ")");
    default:
      return system;
  }
}

[[noreturn]] void fail(const fs::path& file, int error) {
  throw StorageError(text("cannot write ", file.string(), ": ", reason_of(error)));
}

/// An open file descriptor.
class Handle {
 public:
  Handle(const fs::path& path, int flags) : number_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (number_ >= 0) close(number_);
  }
  bool good() const { return number_ >= 0; }
  int number() const { return number_; }
  /// Closes and says whether that worked: some file systems report a full disk only here.
  bool close_now() { return close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

/// The name to write under; removed unless it was renamed.
class Temporary {
 public:
  explicit Temporary(const fs::path& file) : file_(file) {
    static std::atomic<unsigned> count{0};
    path_ = file.parent_path() / text(".tmp-", getpid(), "-", count++, "-", file.filename().string());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    std::error_code ignored;
    if (!renamed_) fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

  void rename() {
    if (std::rename(path_.c_str(), file_.c_str()) != 0) fail(file_, errno);
    renamed_ = true;
    const fs::path folder = file_.has_parent_path() ? file_.parent_path() : ".";
    const Handle handle(folder, O_RDONLY | O_DIRECTORY);
    // Some network file systems cannot flush a folder; that is no failure of the file.
    if (handle.good() && fsync(handle.number()) != 0 && errno != EINVAL && errno != ENOTSUP) fail(file_, errno);
  }

 private:
  fs::path file_, path_;
  bool renamed_ = false;
};

void write_all(const Handle& handle, std::string_view content, const fs::path& file) {
  while (!content.empty()) {
    const ssize_t written = write(handle.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(file, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
}

void flush_and_close(Handle& handle, const fs::path& file) {
  if (fsync(handle.number()) != 0 || !handle.close_now()) fail(file, errno);
}

/// A writer says why it failed in its own words, and of the temporary file; a full disk is the usual reason.
[[noreturn]] void explain(const std::exception& problem, const fs::path& file) {
  constexpr uintmax_t kNearlyNothing = 1 << 16;
  std::error_code ignored;
  const auto space = fs::space(file.has_parent_path() ? file.parent_path() : ".", ignored);
  if (!ignored && space.available < kNearlyNothing) fail(file, ENOSPC);
  throw StorageError(text("cannot write ", file.string(), ": ", problem.what()));
}

void run_writer(const std::function<void(const fs::path&)>& writer, const fs::path& temporary, const fs::path& file) {
  try {
    writer(temporary);
  } catch (const StorageError& problem) {
    explain(problem, file);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {
    explain(problem, file);
  }
}

}  // namespace

void write_file(const fs::path& file, const std::string& content) {
  Temporary temporary(file);
  Handle handle(temporary.path(), O_CREAT | O_EXCL | O_WRONLY);
  if (!handle.good()) fail(file, errno);
  write_all(handle, content, file);
  flush_and_close(handle, file);
  temporary.rename();
}

void write_file(const fs::path& file, const std::function<void(const fs::path&)>& writer) {
  Temporary temporary(file);
  // Fails early and with the system's reason where nothing can be written.
  if (Handle probe(temporary.path(), O_CREAT | O_EXCL | O_WRONLY); !probe.good()) fail(file, errno);
  run_writer(writer, temporary.path(), file);
  Handle handle(temporary.path(), O_RDWR);
  if (!handle.good()) fail(file, errno);
  flush_and_close(handle, file);
  temporary.rename();
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && !fs::is_directory(folder, error) && !error) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw StorageError(text("cannot make the folder ", folder.string(), ": ", reason_of(error.value())));
}

std::string read_file(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) throw DataError(text("cannot read ", file.string(), ": there is no such file"));
  if (fs::is_directory(file, error)) throw DataError(text("cannot read ", file.string(), ": it is a folder"));
  std::ifstream in(file, std::ios::binary);
  if (!in) throw DataError(text("cannot read ", file.string(), ": ", std::strerror(errno)));
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad()) throw DataError(text("cannot read ", file.string(), ": ", std::strerror(errno)));
  return std::move(content).str();
}

}  // namespace lamina
