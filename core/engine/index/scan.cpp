// Looks at names, times and sizes.
#include "engine/index/scan.hpp"

#include "engine/run/run_folder.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <vector>

#include <sys/stat.h>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// Files are replaced by renaming, so that the number changes even within one tick of the clock.
Stamp stamp_of(const fs::path& file) {
  struct stat facts {};
  if (stat(file.c_str(), &facts) != 0) return "-";
  return text(facts.st_mtim.tv_sec, '.', facts.st_mtim.tv_nsec, '/', facts.st_size, '/', facts.st_ino);
}

/// Folders in `folder`; hidden ones are not for people.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code gone;
    const bool hidden = at->path().filename().string().starts_with(".");
    if (!hidden && at->is_directory(gone)) found.push_back(at->path());
  }
  return found;
}

StudyScan scan_study(const fs::path& study) {
  StudyScan scan{stamp_of(study / "plan.json"), {}};
  for (const auto& path : folders_in(study)) {
    const RunFolder run(path);
    const Stamp status = stamp_of(run.status_file()), experiment = stamp_of(run.experiment());
    if (status == "-" && experiment == "-") continue;
    // What a plan says of its runs enters their records.
    scan.runs[path.filename().string()] =
        text(status, ' ', experiment, ' ', stamp_of(run.metrics()), ' ', stamp_of(run.curves()), ' ', scan.plan);
  }
  return scan;
}

}  // namespace

std::map<std::string, StudyScan> scan_runs(const fs::path& runs) {
  std::error_code ignored;
  if (!fs::is_directory(runs, ignored)) {
    throw ConfigError(text(runs.string(),
                           ": there is no such folder of runs; give --runs DIR, where `lamina ablate` or ",
                           "`lamina train` put them"));
  }
  std::map<std::string, StudyScan> studies;
  for (const auto& path : folders_in(runs)) {
    StudyScan study = scan_study(path);
    if (study.plan != "-" || !study.runs.empty()) studies[path.filename().string()] = std::move(study);
  }
  return studies;
}

}  // namespace lamina::engine
