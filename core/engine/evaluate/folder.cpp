// Cases are taken one by one from a counter by a few threads; each result has its own place, so order never depends on
// time.
#include "engine/evaluate/folder.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include <torch/types.h>

namespace lamina::engine {
namespace fs = std::filesystem;
namespace {

using Files = std::map<std::string, fs::path>;
using LoadReference = std::function<Case(const std::string& id)>;

/// One case to score; the reference's file is empty where a dataset knows it.
struct Job {
  std::string id;
  ScoredFiles files;
};

/// Works through the jobs with several threads; the first error in the order of the jobs wins.
class Scoring {
 public:
  Scoring(const std::vector<Job>& jobs, const LoadReference& load, const Evaluator& evaluator)
      : jobs_(jobs),
        load_(load),
        evaluator_(evaluator),
        rows_(jobs.size()),
        errors_(jobs.size()),
        progress_("evaluate", static_cast<int64_t>(jobs.size()), "cases") {}

  std::vector<MetricRow> run(int64_t threads) {
    std::vector<std::thread> others;
    for (int64_t i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
    work();
    for (auto& thread : others) thread.join();
    for (const auto& error : errors_) {
      if (error) std::rethrow_exception(error);
    }
    if (interrupt_requested())
      throw Interrupted("evaluation was interrupted; nothing was written, the same command starts again");
    std::vector<MetricRow> all;
    for (auto& rows : rows_) std::move(rows.begin(), rows.end(), std::back_inserter(all));
    return all;
  }

 private:
  void work() {
    while (!failed_ && !interrupt_requested()) {
      const size_t mine = next_++;
      if (mine >= jobs_.size()) return;
      try {
        rows_[mine] = evaluator_.score(read_labels(jobs_[mine].files.prediction), load_(jobs_[mine].id));
      } catch (...) {
        errors_[mine] = std::current_exception();
        failed_ = true;
      }
      const std::lock_guard lock(drawing_);
      progress_.update(++done_);
    }
  }

  const std::vector<Job>& jobs_;
  const LoadReference& load_;
  const Evaluator& evaluator_;
  std::vector<std::vector<MetricRow>> rows_;
  std::vector<std::exception_ptr> errors_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex drawing_;
  Progress progress_;
  int64_t done_ = 0;
};

int64_t thread_count(int64_t asked, size_t jobs) {
  const int64_t wanted = asked > 0 ? asked : static_cast<int64_t>(std::thread::hardware_concurrency());
  return std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, static_cast<int64_t>(jobs)));
}

/// Pairs cases with predictions; `missing` and `unmatched` say what is left on either side.
std::vector<Job> match(const std::vector<std::string>& ids, const Files& predictions, const Files& references,
                       FolderScores& scores) {
  std::vector<Job> jobs;
  for (const auto& id : ids) {
    const auto prediction = predictions.find(id);
    if (prediction == predictions.end()) {
      scores.missing.push_back(id);
      continue;
    }
    const auto reference = references.find(id);
    jobs.push_back({id, {prediction->second, reference == references.end() ? fs::path() : reference->second}});
    scores.files[id] = jobs.back().files;
  }
  for (const auto& [id, file] : predictions) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) scores.unmatched.push_back(id);
  }
  return jobs;
}

void refuse_gaps(const fs::path& folder, const std::vector<std::string>& missing, size_t cases) {
  if (missing.empty()) return;
  throw DataError(text(missing.size(), " of ", cases, " cases have no prediction in ", folder.string(), ": ",
                       join(missing), "; predict them too, or give --allow-missing to score the others"));
}

FolderScores score_all(const fs::path& predictions, const std::vector<std::string>& ids, const Files& references,
                       const LoadReference& load, const Evaluator& evaluator, const FolderOptions& options) {
  FolderScores scores;
  const std::vector<Job> jobs = match(ids, images_by_id(predictions), references, scores);
  if (!options.allow_missing) refuse_gaps(predictions, scores.missing, ids.size());
  if (jobs.empty())
    throw DataError(text("nothing to score: no file in ", predictions.string(), " is named like a case"));
  scores.rows = Scoring(jobs, load, evaluator).run(thread_count(options.threads, jobs.size()));
  return scores;
}

}  // namespace

std::map<std::string, fs::path> images_by_id(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw DataError(text(folder.string(), " is no folder; expected one with label maps"));
  Files files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& file = entry.path();
    if (!entry.is_regular_file() || !is_image_file(file)) continue;
    const std::string name = file.filename().string();
    const std::string id = name.substr(0, name.size() - image_extension(file).size());
    const auto [other, added] = files.emplace(id, file);
    if (!added)
      throw DataError(text("two files are named '", id, "': ", other->second.string(), " and ", file.string()));
  }
  return files;
}

FolderScores evaluate_folder(const fs::path& predictions, const Dataset& dataset, const std::vector<std::string>& ids,
                             const Evaluator& evaluator, const FolderOptions& options) {
  const LoadReference load = [&](const std::string& id) { return dataset.load(id, WithLabels::Yes); };
  return score_all(predictions, ids, {}, load, evaluator, options);
}

FolderScores evaluate_folder(const fs::path& predictions, const fs::path& references, const Evaluator& evaluator,
                             const FolderOptions& options) {
  const Files files = images_by_id(references);
  std::vector<std::string> ids;
  for (const auto& [id, file] : files) ids.push_back(id);
  const LoadReference load = [&](const std::string& id) {
    Case one;
    one.id = one.group = id;
    one.labels = Streams<Volume>(read_labels(files.at(id)));
    one.ignore = evaluator.dataset.ignore;
    return one;
  };
  return score_all(predictions, ids, files, load, evaluator, options);
}

DatasetInfo info_of_references(const fs::path& references) {
  int64_t largest = 0;
  for (const auto& [id, file] : images_by_id(references))
    largest = std::max(largest, read_labels(file).voxels.max().item<int64_t>());
  DatasetInfo info;
  info.name = references.filename().string();
  info.classes = {"background"};
  for (int64_t label = 1; label <= largest; ++label) info.classes.push_back(std::to_string(label));
  return info;
}

}  // namespace lamina::engine
