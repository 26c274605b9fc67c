// The learning rate over time.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>

namespace lamina {

struct ScheduleContext {
  int64_t epochs = 1, iterations = 1;  ///< iterations: optimizer steps in an epoch
};

class LAMINA_API Schedule {
 public:
  static constexpr const char* kKind = "schedule";
  using Interface = Schedule;
  using Context = ScheduleContext;
  virtual ~Schedule();

  /// Factor on the base rate for the optimizer step `step` (0 ... epochs * iterations - 1).
  virtual double factor(int64_t step) const = 0;
};

}  // namespace lamina
