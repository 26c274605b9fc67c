// Learning rates over time: a linear warm-up, then a curve from 1 down to `minimum`.
#include "curves.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cmath>
#include <numbers>

namespace lamina {
namespace {

void bind_warmup(OptionBinder& o, WarmUp& warm_up) {
  o.field("warmup", warm_up.steps, "Steps over which the rate rises linearly to its full value", AtLeast{0});
}

}  // namespace

void WarmUp::bind(OptionBinder& o) {
  bind_warmup(o, *this);
  o.field("minimum", minimum, "Where the curve ends, as a share of the base rate", Range{0, 1});
  o.field("per", per, "How often the rate changes", OneOf{"epoch", "step"});
}

CurvedSchedule::CurvedSchedule(const WarmUp& warm_up, const ScheduleContext& context)
    : warm_up_(warm_up), context_(context) {
  const int64_t steps = context.epochs * context.iterations;
  if (warm_up.steps == 0 || warm_up.steps < steps) return;
  throw ConfigError(text("train.schedule.warmup: ", warm_up.steps, " steps, but training has only ", steps,
                         " (epochs x iterations)"));
}

double CurvedSchedule::factor(int64_t step) const {
  if (step < warm_up_.steps) return static_cast<double>(step + 1) / static_cast<double>(warm_up_.steps);
  int64_t passed = step - warm_up_.steps;
  if (warm_up_.per == "epoch") passed = passed / context_.iterations * context_.iterations;
  const auto total = static_cast<double>(context_.epochs * context_.iterations - warm_up_.steps);
  const double epochs = static_cast<double>(passed) / static_cast<double>(context_.iterations);
  const double share = std::min(1.0, static_cast<double>(passed) / total);
  return warm_up_.minimum + (1 - warm_up_.minimum) * curve(share, epochs);
}

void PolyOptions::bind(OptionBinder& o) {
  o.field("power", power, "Exponent; 1 is a straight line", AtLeast{0});
  WarmUp::bind(o);
}

Poly::Poly(const Options& options, const ScheduleContext& context)
    : CurvedSchedule(options, context), power_(options.power) {}
double Poly::curve(double progress, double) const { return std::pow(1 - progress, power_); }

Cosine::Cosine(const Options& options, const ScheduleContext& context) : CurvedSchedule(options, context) {}
double Cosine::curve(double progress, double) const { return 0.5 * (1 + std::cos(std::numbers::pi * progress)); }

void ExponentialOptions::bind(OptionBinder& o) {
  o.field("decay", decay, "Factor from one epoch to the next", Range{0, 1});
  WarmUp::bind(o);
}

Exponential::Exponential(const Options& options, const ScheduleContext& context)
    : CurvedSchedule(options, context), decay_(options.decay) {}
double Exponential::curve(double, double epochs) const { return std::pow(decay_, epochs); }

void ConstantOptions::bind(OptionBinder& o) { bind_warmup(o, *this); }

Constant::Constant(const Options& options, const ScheduleContext& context) : CurvedSchedule(options, context) {}
double Constant::curve(double, double) const { return 1; }

}  // namespace lamina
