// Out-of-line parts of the interfaces, so that their type information exists once, in this library.
#include <lamina/objective/loss.hpp>
#include <lamina/objective/metric.hpp>
#include <lamina/objective/optimizer.hpp>
#include <lamina/objective/postprocess.hpp>
#include <lamina/objective/schedule.hpp>

namespace lamina {

Loss::~Loss() = default;

Metric::~Metric() = default;
std::string Metric::unit() const { return ""; }
bool Metric::higher_is_better() const { return true; }
bool Metric::defined_on_empty() const { return false; }
double Metric::worst() const { return 0; }

Optimizer::~Optimizer() = default;
Schedule::~Schedule() = default;

Postprocess::~Postprocess() = default;
TensorDict Postprocess::fit(const Outcomes&) { return {}; }
void Postprocess::restore(const TensorDict&) {}

}  // namespace lamina
