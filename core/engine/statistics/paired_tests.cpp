// Signed ranks, sign flips, Holm.
#include "engine/statistics/paired_tests.hpp"

#include <lamina/base/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/normal.hpp>

namespace lamina::engine {
namespace {

constexpr size_t kMostExactRanks = 25, kMostExactSigns = 20;

std::vector<size_t> order_of(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

bool has_ties(const std::vector<double>& ranks) {
  std::vector<double> sorted = ranks;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

/// P(W <= statistic) * 2, from the number of subsets of 1..n with each sum.
double exact_rank_p(size_t n, double statistic) {
  const size_t most = n * (n + 1) / 2;
  std::vector<double> ways(most + 1, 0);
  ways[0] = 1;
  for (size_t rank = 1; rank <= n; ++rank) {
    for (size_t sum = most; sum >= rank; --sum) ways[sum] += ways[sum - rank];
  }
  double below = 0;
  for (size_t sum = 0; sum <= static_cast<size_t>(statistic); ++sum) below += ways[sum];
  return std::min(1.0, 2 * below / std::pow(2.0, static_cast<double>(n)));
}

/// The sum over groups of equal ranks of t^3 - t.
double tie_sum(std::vector<double> ranks) {
  std::sort(ranks.begin(), ranks.end());
  double sum = 0;
  for (size_t i = 0; i < ranks.size();) {
    size_t end = i;
    while (end < ranks.size() && ranks[end] == ranks[i]) ++end;
    const auto t = static_cast<double>(end - i);
    sum += t * t * t - t;
    i = end;
  }
  return sum;
}

/// `n` ranks of which the `zeros` smallest do not count (Cureton 1967); `counted` are those of the others.
double approximate_rank_p(double statistic, double n, double zeros, const std::vector<double>& counted) {
  const double mean = (n * (n + 1) - zeros * (zeros + 1)) / 4;
  const double variance =
      (n * (n + 1) * (2 * n + 1) - zeros * (zeros + 1) * (2 * zeros + 1) - tie_sum(counted) / 2) / 24;
  if (!(variance > 0)) return 1;
  const boost::math::normal_distribution<double> normal(0, 1);
  return std::min(1.0, 2 * boost::math::cdf(normal, (statistic - mean) / std::sqrt(variance)));
}

/// The sums of all 2^n choices of signs, doubled value by value.
double exact_sign_p(const std::vector<double>& values, double observed) {
  std::vector<double> sums{0};
  for (const double value : values) {
    const size_t before = sums.size();
    for (size_t i = 0; i < before; ++i) {
      sums.push_back(sums[i] + value);
      sums[i] -= value;
    }
  }
  const auto as_far = std::count_if(sums.begin(), sums.end(), [&](double sum) { return std::abs(sum) >= observed; });
  return static_cast<double>(as_far) / static_cast<double>(sums.size());
}

double drawn_sign_p(const std::vector<double>& values, double observed, int64_t draws, uint64_t seed) {
  Random random(seed, {hash_name("sign_flip")});
  int64_t as_far = 1;
  for (int64_t i = 0; i < draws; ++i) {
    double sum = 0;
    uint64_t bits = 0;
    for (size_t k = 0; k < values.size(); ++k) {
      if (k % 64 == 0) bits = random.bits();
      sum += (bits >> (k % 64) & 1) ? values[k] : -values[k];
    }
    as_far += std::abs(sum) >= observed;
  }
  return static_cast<double>(as_far) / static_cast<double>(draws + 1);
}

}  // namespace

std::vector<double> midranks(const std::vector<double>& values) {
  const auto order = order_of(values);
  std::vector<double> ranks(values.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    const double shared = static_cast<double>(i + end + 1) / 2;
    for (; i < end; ++i) ranks[order[i]] = shared;
  }
  return ranks;
}

SignedRank wilcoxon(const std::vector<double>& differences, Zeros zeros) {
  std::vector<double> sizes, signs;
  size_t left_out = 0;
  for (const double difference : differences) {
    const double value = std::round(difference * 1e9) / 1e9;
    left_out += value == 0;
    if (value == 0 && zeros == Zeros::Wilcox) continue;
    sizes.push_back(std::abs(value));
    signs.push_back(value > 0 ? 1 : value < 0 ? -1 : 0);
  }
  SignedRank result;
  const auto ranks = midranks(sizes);
  std::vector<double> counted;
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (signs[i] == 0) continue;
    (signs[i] > 0 ? result.positive : result.negative) += ranks[i];
    counted.push_back(ranks[i]);
  }
  if (counted.empty()) return result;
  const size_t ranked_zeros = zeros == Zeros::Pratt ? left_out : 0;
  result.exact = ranked_zeros == 0 && counted.size() <= kMostExactRanks && !has_ties(counted);
  result.p = result.exact ? exact_rank_p(counted.size(), result.statistic())
                          : approximate_rank_p(result.statistic(), static_cast<double>(ranks.size()),
                                               static_cast<double>(ranked_zeros), counted);
  return result;
}

double sign_flip(const std::vector<double>& differences, int64_t draws, uint64_t seed) {
  if (differences.empty()) return 1;
  double sum = 0, size = 0;
  for (const double value : differences) sum += value, size += std::abs(value);
  const double observed = std::abs(sum) - 1e-12 * size;  // sums of the same numbers in another order are equal
  if (differences.size() <= kMostExactSigns) return exact_sign_p(differences, observed);
  return drawn_sign_p(differences, observed, draws, seed);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> family;
  for (size_t i = 0; i < p.size(); ++i) {
    if (!std::isnan(p[i])) family.push_back(i);
  }
  std::stable_sort(family.begin(), family.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted = p;
  double before = 0;
  for (size_t rank = 0; rank < family.size(); ++rank) {
    before = std::max(before, std::min(1.0, p[family[rank]] * static_cast<double>(family.size() - rank)));
    adjusted[family[rank]] = before;
  }
  return adjusted;
}

}  // namespace lamina::engine
