// Learning rates over time: a linear warm-up, then a curve from 1 down to `minimum`.
#pragma once

#include <lamina/objective/schedule.hpp>
#include <lamina/options/binder.hpp>

#include <string>

namespace lamina {

/// What all schedules have.
struct WarmUp {
  int64_t steps = 0;
  double minimum = 0;
  std::string per = "step";
  void bind(OptionBinder& o);
};

/// Takes care of warm-up and of the step or epoch grid; a curve gives its value at a share of the way.
class CurvedSchedule : public Schedule {
 public:
  CurvedSchedule(const WarmUp& warm_up, const ScheduleContext& context);
  double factor(int64_t step) const final;

 protected:
  /// `progress` in [0, 1) of the steps after the warm-up; `epochs` passed since then.
  virtual double curve(double progress, double epochs) const = 0;

 private:
  WarmUp warm_up_;
  ScheduleContext context_;
};

struct PolyOptions : WarmUp {
  double power = 0.9;
  PolyOptions() { per = "epoch"; }
  void bind(OptionBinder& o);
};

/// (1 - progress)^power
class Poly : public CurvedSchedule {
 public:
  using Options = PolyOptions;
  Poly(const Options& options, const ScheduleContext& context);

 private:
  double curve(double progress, double epochs) const override;
  double power_;
};

struct CosineOptions : WarmUp {};

/// Half a cosine wave.
class Cosine : public CurvedSchedule {
 public:
  using Options = CosineOptions;
  Cosine(const Options& options, const ScheduleContext& context);

 private:
  double curve(double progress, double epochs) const override;
};

struct ExponentialOptions : WarmUp {
  double decay = 0.99;
  ExponentialOptions() { per = "epoch"; }
  void bind(OptionBinder& o);
};

/// decay^epochs
class Exponential : public CurvedSchedule {
 public:
  using Options = ExponentialOptions;
  Exponential(const Options& options, const ScheduleContext& context);

 private:
  double curve(double progress, double epochs) const override;
  double decay_;
};

struct ConstantOptions : WarmUp {
  void bind(OptionBinder& o);
};

class Constant : public CurvedSchedule {
 public:
  using Options = ConstantOptions;
  Constant(const Options& options, const ScheduleContext& context);

 private:
  double curve(double progress, double epochs) const override;
};

}  // namespace lamina
