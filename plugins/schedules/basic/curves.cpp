// Learning rates over time: a linear warm-up, then a curve from 1 down to `minimum`.
#include "curves.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lamina {

void WarmUp::bind_steps(OptionBinder& o) {
  o.field("warmup", steps, "Steps over which the rate rises linearly to its full value", AtLeast{0});
}

void WarmUp::bind(OptionBinder& o) {
  bind_steps(o);
  o.field("minimum", minimum, "Where the curve ends, as a share of the base rate", Range{0, 1});
  o.field("per", per, "How often the rate changes", OneOf{"epoch", "step"});
}

void WarmUp::require_room(const ScheduleContext& context) const {
  if (horizon && *horizon < context.epochs) {
    throw ConfigError(text("train.schedule.horizon: ", *horizon, " epochs, but training has ", context.epochs,
                           "; expected at least as many"));
  }
  const int64_t training = context.epochs * context.iterations;
  if (steps == 0 || steps < training) return;
  throw ConfigError(
      text("train.schedule.warmup: ", steps, " steps, but training has only ", training, " (epochs x iterations)"));
}

Place WarmUp::place(int64_t step, const ScheduleContext& context) const {
  int64_t passed = step - steps;
  if (per == "epoch") passed = passed / context.iterations * context.iterations;
  const auto total =
      static_cast<double>(horizon ? *horizon * context.iterations : context.epochs * context.iterations - steps);
  return {std::min(1.0, static_cast<double>(passed) / total),
          static_cast<double>(passed) / static_cast<double>(context.iterations)};
}

void PolyCurve::bind(OptionBinder& o) {
  o.field("power", power, "Exponent; 1 is a straight line", AtLeast{0});
  WarmUp::bind(o);
  o.field("horizon", horizon,
          "Epochs from the warm-up's end over which the curve falls, where training stops before that; null: it ends "
          "with training",
          AtLeast{1});
}

double PolyCurve::at(const Place& place) const { return std::pow(1 - place.progress, power); }

double CosineCurve::at(const Place& place) const { return 0.5 * (1 + std::cos(std::numbers::pi * place.progress)); }

void ExponentialCurve::bind(OptionBinder& o) {
  o.field("decay", decay, "Factor from one epoch to the next", Range{0, 1});
  WarmUp::bind(o);
}

double ExponentialCurve::at(const Place& place) const { return std::pow(decay, place.epochs); }

}  // namespace lamina
