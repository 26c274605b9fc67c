// Prepares cases once, keeps them on disk and hands them out mapped into memory.
#include "engine/data/case_file.hpp"
#include "engine/data/prepared.hpp"
#include "engine/data/worker_threads.hpp"
#include "engine/run/device.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <exception>

namespace lamina::engine {
namespace {

constexpr size_t kMostOpen = 4096;  // mappings; the kernel allows some 65000

int64_t all_cores() { return arithmetic_threads(RuntimeSection{}); }

}  // namespace

/// The right to open or prepare one case; whoever else wants it waits.
class PreparedDataset::Claim {
 public:
  Claim(const PreparedDataset& data, std::string id, std::unique_lock<std::mutex>& lock)
      : data_(data), id_(std::move(id)) {
    data_.ready_.wait(lock, [this] { return !data_.working_.contains(id_); });
    data_.working_.insert(id_);
  }
  ~Claim() {
    const std::lock_guard hold(data_.mutex_);
    data_.working_.erase(id_);
    data_.ready_.notify_all();
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  const PreparedDataset& data_;
  std::string id_;
};

PreparedDataset::PreparedDataset(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const PrepareChain> chain,
                                 std::filesystem::path cache)
    : dataset_(std::move(dataset)), chain_(std::move(chain)), cache_(std::move(cache)) {}

std::filesystem::path PreparedDataset::file_of(const std::string& id) const { return cache_ / case_file_name(id); }

std::shared_ptr<const PreparedCase> PreparedDataset::open(const std::string& id) const {
  std::error_code ignored;
  if (!std::filesystem::exists(file_of(id), ignored)) return nullptr;
  try {
    return std::make_shared<const PreparedCase>(read_case(file_of(id)));
  } catch (const DataError& problem) {
    log_warning(text("cached case ", id, " is prepared again: ", problem.what()));
    return nullptr;
  }
}

void PreparedDataset::prepare(const std::string& id) const {
  make_folder(cache_);
  write_case(file_of(id), chain_->apply(dataset_->load(id, WithLabels::Yes)));
}

PreparedCase PreparedDataset::load(const std::string& id) const {
  std::unique_lock lock(mutex_);
  if (const auto known = open_.find(id); known != open_.end()) return *known->second;
  const Claim claim(*this, id, lock);
  const auto known = open_.find(id);  // somebody else may have opened it meanwhile
  auto one = known == open_.end() ? nullptr : known->second;
  lock.unlock();
  if (one) return *one;
  one = open(id);
  if (!one) {
    prepare(id);
    one = open(id);
  }
  if (!one) throw DataError(text("case ", id, ": its cached file ", file_of(id).string(), " cannot be read back"));
  const std::lock_guard hold(mutex_);
  if (open_.size() >= kMostOpen) open_.clear();
  open_[id] = one;
  return *one;
}

void PreparedDataset::warm(const std::vector<std::string>& ids, int64_t threads) {
  Progress progress("preparing", static_cast<int64_t>(ids.size()), "cases");
  progress.update(0);
  std::mutex mutex;
  size_t next = 0;
  int64_t done = 0;
  std::exception_ptr failure;
  const auto take = [&]() -> const std::string* {
    const std::lock_guard hold(mutex);
    if (failure || next >= ids.size() || interrupt_requested()) return nullptr;
    return &ids[next++];
  };
  const auto work = [&] {
    while (const std::string* id = take()) {
      try {
        load(*id);
        const std::lock_guard hold(mutex);
        progress.update(++done);
      } catch (...) {
        const std::lock_guard hold(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  WorkerThreads(std::clamp<int64_t>(threads == 0 ? all_cores() : threads, 1, std::max<int64_t>(1, std::ssize(ids))),
                work)
      .join();
  if (failure) std::rethrow_exception(failure);
  if (done < std::ssize(ids)) throw_if_interrupted(cache_);
}

}  // namespace lamina::engine
