// Downloads in pieces that survive: what has arrived stays in <file>.part.
#include "engine/weights/download.hpp"

#include "engine/experiment/sha256.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 4;  // each must bring something
constexpr long kConnectSeconds = 20, kStallSeconds = 60, kMostRedirects = 5;
constexpr int kMebi = 20;

constexpr long kPartial = 206, kRangeRefused = 416;

uint64_t size_or_zero(const fs::path& file) {
  std::error_code error;
  const uint64_t size = fs::file_size(file, error);
  return error ? 0 : size;
}

[[noreturn]] void give_up(const DownloadTarget& target, const std::string& fact) {
  throw Error(text("cannot fetch ", target.url, ": ", fact, "; bring the file by other means and put it at ",
                   target.file.string()));
}

/// One request. Its first bytes decide whether the part is continued or begun anew.
class Transfer {
 public:
  Transfer(const DownloadTarget& target, const fs::path& part)
      : target_(target), part_(part), begin_(size_or_zero(part)), curl_(curl_easy_init(), &curl_easy_cleanup) {
    if (!curl_) throw Error("libcurl cannot be started");
  }

  CURLcode run() {
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, target_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lamina");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason_);
    if (begin_ > 0) curl_easy_setopt(curl, CURLOPT_RANGE, text(begin_, "-").c_str());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status_);
    if (out_.is_open() && !out_.flush()) error_ = errno;
    if (error_ != 0) throw StorageError(text("cannot write ", part_.string(), ": ", std::strerror(error_)));
    return code;
  }

  long status() const { return status_; }
  std::string reason(CURLcode code) const {
    const std::string words = *reason_ ? reason_ : curl_easy_strerror(code);
    const bool unreachable =
        code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT;
    return unreachable ? text("there is no network, or that host cannot be reached from here (", words, ")") : words;
  }
  /// Why the answer is not the file that was asked for; "" while it may be.
  const std::string& objection() const { return objection_; }

 private:
  static size_t on_bytes(char* bytes, size_t, size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    if (!transfer->started_ && !transfer->start()) return 0;
    if (!transfer->out_.write(bytes, static_cast<std::streamsize>(count))) {
      transfer->error_ = errno;
      return 0;
    }
    transfer->done_ += count;
    transfer->bar_->update(static_cast<int64_t>(transfer->done_ >> kMebi));
    return count;
  }

  static int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return interrupt_requested() ? 1 : 0;
  }

  /// With the first bytes: does the server go on where we stopped, and is it the size that was announced?
  bool start() {
    started_ = true;
    long status = 0;
    curl_off_t offered = -1;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &offered);
    const bool goes_on = begin_ > 0 && status == kPartial;
    if (!goes_on) begin_ = 0;
    done_ = begin_;
    const uint64_t whole = begin_ + static_cast<uint64_t>(std::max<curl_off_t>(offered, 0));
    if (offered >= 0 && target_.bytes > 0 && whole != target_.bytes)
      objection_ = text("the server offers ", whole, " bytes, the file has ", target_.bytes);
    if (!objection_.empty()) return false;
    bar_.emplace("fetching " + target_.file.filename().string(), static_cast<int64_t>(whole >> kMebi), "MiB");
    out_.open(part_, std::ios::binary | (goes_on ? std::ios::app : std::ios::trunc));
    if (!out_.is_open()) error_ = errno;
    return out_.is_open();
  }

  const DownloadTarget& target_;
  fs::path part_;
  uint64_t begin_, done_ = 0;
  std::ofstream out_;
  std::optional<Progress> bar_;
  std::unique_ptr<CURL, void (*)(CURL*)> curl_;
  char reason_[CURL_ERROR_SIZE] = "";
  std::string objection_;
  int error_ = 0;
  long status_ = 0;
  bool started_ = false;
};

void remove_part(const fs::path& part) {
  std::error_code ignored;
  fs::remove(part, ignored);
}

/// Fills the part; tries again while each try brings something.
void fill(const DownloadTarget& target, const fs::path& part) {
  for (int tries = 1;; ++tries) {
    const uint64_t before = size_or_zero(part);
    Transfer transfer(target, part);
    const CURLcode code = transfer.run();
    throw_if_interrupted(part);
    if (code == CURLE_OK) return;
    if (!transfer.objection().empty()) give_up(target, transfer.objection());
    const bool refused = transfer.status() == kRangeRefused && before > 0;  // the part is no part of that file
    if (refused) remove_part(part);
    if ((!refused && size_or_zero(part) <= before) || tries >= kTries) give_up(target, transfer.reason(code));
    log_info(text(target.file.filename().string(), ": ", transfer.reason(code), "; going on"));
  }
}

/// "" where the file is the one asked for.
std::string difference(const DownloadTarget& target, const fs::path& file) {
  const uint64_t size = size_or_zero(file);
  if (target.bytes > 0 && size != target.bytes) return text("has ", size, " bytes", ", expected ", target.bytes);
  if (target.sha256.empty()) return "";
  const std::string hash = sha256_of_file(file);
  return hash == target.sha256 ? "" : text("has the SHA-256 ", hash, ", expected ", target.sha256);
}

void require_space(const DownloadTarget& target, const fs::path& part) {
  std::error_code error;
  const auto space = fs::space(part.parent_path().empty() ? "." : part.parent_path(), error);
  const uint64_t needed = target.bytes - std::min(target.bytes, size_or_zero(part));
  if (!error && space.available < needed)
    throw StorageError(text("no room for ", target.file.string(), ": ", human_bytes(static_cast<int64_t>(needed)),
                            " are needed, ", human_bytes(static_cast<int64_t>(space.available)), " are free"));
}

void flush_to_disk(const fs::path& file) {
  const int handle = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = handle >= 0 && fsync(handle) == 0;
  if (handle >= 0) close(handle);
  if (!flushed) throw StorageError(text("cannot write ", file.string(), ": ", std::strerror(errno)));
}

}  // namespace

bool download(const DownloadTarget& target) {
  if (fs::exists(target.file)) {
    const std::string other = difference(target, target.file);
    if (other.empty()) return false;
    throw Error(text(target.file.string(), " is in the way: it ", other, "; move it away or choose another folder"));
  }
  if (target.file.has_parent_path()) make_folder(target.file.parent_path());
  const fs::path part = target.file.string() + ".part";
  if (target.bytes > 0 && size_or_zero(part) > target.bytes) remove_part(part);
  require_space(target, part);
  if (target.bytes == 0 || size_or_zero(part) < target.bytes) fill(target, part);
  const std::string other = difference(target, part);
  if (!other.empty()) {
    remove_part(part);
    give_up(target, text("what arrived is another file: it ", other));
  }
  flush_to_disk(part);
  std::error_code error;
  fs::rename(part, target.file, error);
  if (error) throw StorageError(text("cannot write ", target.file.string(), ": ", error.message()));
  return true;
}

}  // namespace lamina::engine
