// Many cases, one after another: what is there is kept, what fails is told.
#include "engine/predict/predictor.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

void predict_one(const Predictor& predictor, const PredictTarget& target,
                 const std::function<Case(const std::string&)>& load) {
  const fs::path folder = target.output.parent_path();
  std::optional<Progress> windows;
  const Volume labels = predictor.predict(load(target.id), [&](int64_t done, int64_t total) {
    if (!windows) windows.emplace(target.id, total, "forwards");
    windows->update(done);
    throw_if_interrupted(folder);
  });
  if (!folder.empty()) make_folder(folder);
  write_labels(target.output, labels);
}

}  // namespace

std::vector<std::string> predict_all(const Predictor& predictor, const std::vector<PredictTarget>& targets,
                                     const std::function<Case(const std::string&)>& load, bool resume) {
  std::vector<std::string> failures;
  Progress progress("predict", static_cast<int64_t>(targets.size()), "cases");
  for (size_t i = 0; i < targets.size(); ++i) {
    const PredictTarget& target = targets[i];
    progress.update(static_cast<int64_t>(i), target.id);
    // Outputs get their names when they are complete, so one that exists is whole.
    if (resume && fs::exists(target.output)) continue;
    throw_if_interrupted(target.output.parent_path());
    try {
      predict_one(predictor, target, load);
    } catch (const Interrupted&) {
      throw;
    } catch (const StorageError&) {
      throw;
    } catch (const std::exception& problem) {
      failures.push_back(text(target.id, ": ", problem.what()));
      log_error(text("case ", target.id, " failed: ", problem.what()));
    }
  }
  progress.update(static_cast<int64_t>(targets.size()));
  return failures;
}

}  // namespace lamina::engine
