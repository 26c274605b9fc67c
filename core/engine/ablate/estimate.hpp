// How long what is left of a plan will take and how much memory it needs: from runs that are done, else from probes.
#pragma once

#include "engine/ablate/plan.hpp"
#include "engine/ablate/probe.hpp"

#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

struct ArmCost {
  RunCost cost;
  bool measured = false;  // by a run that is done; else by a probe
};

struct Estimate {
  std::map<std::string, ArmCost> arms;                       // of those that have something left to do
  std::map<std::string, std::vector<std::string>> problems;  // reason -> arms whose probe failed, as their runs would
  double seconds = 0;                                        // of all that is left, with how.jobs runs at a time
  int64_t peak_memory_bytes = 0;                             // of the runs that go on at the same time
};

/// Probes arm by arm, in processes of their own where how.runner starts some, with progress.
Estimate estimate(const Plan& plan, const StudyRun& how, const Registry& registry);

}  // namespace lamina::engine
