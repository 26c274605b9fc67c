// Learning rates over time: a linear warm-up, then a curve from 1 down to `minimum`.
#pragma once

#include <lamina/objective/schedule.hpp>
#include <lamina/options/binder.hpp>

#include <optional>
#include <string>

namespace lamina {

/// Where a step lies behind the warm-up.
struct Place {
  double progress = 0;  ///< share of the steps, in [0, 1)
  double epochs = 0;    ///< passed since then
};

/// What all curves have.
struct WarmUp {
  int64_t steps = 0;
  double minimum = 0;
  std::string per = "step";
  std::optional<int64_t> horizon;  // epochs
  void bind(OptionBinder& o);
  /// ConfigError when training is over before the warm-up is, or goes on behind the horizon.
  void require_room(const ScheduleContext& context) const;
  double rise(int64_t step) const { return static_cast<double>(step + 1) / static_cast<double>(steps); }
  Place place(int64_t step, const ScheduleContext& context) const;

 protected:
  void bind_steps(OptionBinder& o);
};

/// (1 - progress)^power
struct PolyCurve : WarmUp {
  double power = 0.9;
  PolyCurve() { per = "epoch"; }
  void bind(OptionBinder& o);
  double at(const Place& place) const;
};

/// Half a cosine wave.
struct CosineCurve : WarmUp {
  double at(const Place& place) const;
};

/// decay^epochs
struct ExponentialCurve : WarmUp {
  double decay = 0.99;
  ExponentialCurve() { per = "epoch"; }
  void bind(OptionBinder& o);
  double at(const Place& place) const;
};

/// 1
struct ConstantCurve : WarmUp {
  void bind(OptionBinder& o) { bind_steps(o); }
  double at(const Place&) const { return 1; }
};

/// A curve, which is its own options, behind its warm-up.
template <class Curve>
class Curved : public Schedule {
 public:
  using Options = Curve;
  Curved(const Curve& curve, const ScheduleContext& context) : curve_(curve), context_(context) {
    curve.require_room(context);
  }
  double factor(int64_t step) const override {
    if (step < curve_.steps) return curve_.rise(step);
    return curve_.minimum + (1 - curve_.minimum) * curve_.at(curve_.place(step, context_));
  }

 private:
  Curve curve_;
  ScheduleContext context_;
};

using Poly = Curved<PolyCurve>;
using Cosine = Curved<CosineCurve>;
using Exponential = Curved<ExponentialCurve>;
using Constant = Curved<ConstantCurve>;

}  // namespace lamina
