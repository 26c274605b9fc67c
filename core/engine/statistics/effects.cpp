// Effect sizes by counting pairs.
#include "engine/statistics/effects.hpp"

#include "engine/statistics/paired_tests.hpp"

#include <cmath>
#include <limits>

namespace lamina::engine {
namespace {

int sign_of(double value) { return (value > 0) - (value < 0); }

}  // namespace

double cliffs_delta(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (const double one : a) {
    for (const double other : b) sum += sign_of(one - other);
  }
  return sum / static_cast<double>(a.size() * b.size());
}

double rank_biserial(const std::vector<double>& differences) {
  const SignedRank ranks = wilcoxon(differences);
  const double total = ranks.positive + ranks.negative;
  return total > 0 ? (ranks.positive - ranks.negative) / total : 0;
}

double kendall_tau(const std::vector<double>& a, const std::vector<double>& b) {
  double agree = 0, apart_a = 0, apart_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t k = i + 1; k < a.size(); ++k) {
      const int in_a = sign_of(a[i] - a[k]), in_b = sign_of(b[i] - b[k]);
      agree += in_a * in_b;
      apart_a += in_a != 0;
      apart_b += in_b != 0;
    }
  }
  if (apart_a == 0 || apart_b == 0) return std::numeric_limits<double>::quiet_NaN();
  return agree / std::sqrt(apart_a * apart_b);
}

WinTieLoss count_wins(const std::vector<double>& differences, bool higher_is_better, double margin) {
  WinTieLoss count;
  for (const double difference : differences) {
    const double gain = higher_is_better ? difference : -difference;
    if (gain > margin) {
      ++count.wins;
    } else if (gain < -margin) {
      ++count.losses;
    } else {
      ++count.ties;
    }
  }
  return count;
}

}  // namespace lamina::engine
