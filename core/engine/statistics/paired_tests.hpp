// Tests of paired differences that assume little, and their correction for several arms.
#pragma once

#include <cstdint>
#include <vector>

namespace lamina::engine {

/// 1 for the smallest; equal values share the mean of their ranks.
std::vector<double> midranks(const std::vector<double>& values);

enum class Zeros { Wilcox, Pratt };  // dropped; ranked with the others and then left out

struct SignedRank {
  double positive = 0, negative = 0;  // sums of ranks
  double p = 1;                       // two-sided
  bool exact = false;
  double statistic() const { return positive < negative ? positive : negative; }
};
/// Wilcoxon's signed rank test. Differences are rounded to 1e-9 first, so that ties are ties. Exact without ties for at
/// most 25 differences that are not zero (none may be for Pratt), else the normal approximation with correction for
/// ties.
SignedRank wilcoxon(const std::vector<double>& differences, Zeros zeros = Zeros::Wilcox);

/// Two-sided p of the mean when every sign is as likely as its opposite: all 2^n signs up to 20 differences, else
/// `draws` seeded ones with the observed one among them.
double sign_flip(const std::vector<double>& differences, int64_t draws, uint64_t seed);

/// Holm's step-down adjustment; NaN stays NaN and does not count.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace lamina::engine
