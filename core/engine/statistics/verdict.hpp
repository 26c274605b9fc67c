// Arms against the baseline, from tables of scores to verdicts: what the report shows is computed here.
#pragma once

#include "engine/statistics/effects.hpp"
#include "engine/statistics/mean_test.hpp"
#include "engine/statistics/score_table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lamina::engine {

/// How arms are compared; the words of the study file's `compare`.
struct CompareRules {
  std::string unit = "group";       // case | group
  std::string interval = "t";       // t | bootstrap | bca
  std::string test = "t";           // t | wilcoxon | pratt | sign_flip
  std::string correction = "holm";  // holm | none
  int64_t draws = 10000;
  double alpha = 0.05;
  double margin = 0;  // differences up to it do not matter; 0: every difference does
};

/// Scores of one arm by case and seed.
struct ArmScores {
  std::string name;
  ScoreTable cases;
  std::string training;  // arms of the same text use the same trained models
};

enum class Verdict { Better, Worse, Equivalent, Inconclusive };
std::string verdict_word(Verdict verdict);  ///< "better"

struct ArmComparison {
  MeanDifference difference;        // variant - baseline; units are pairs
  Interval interval;                // as the rules say
  double median = 0, sd = 0;        // of the units' differences
  int64_t dropped = 0, filled = 0;  // cases without a pair; single cells filled in
  std::vector<double> seed_means;   // difference by shared seed
  double p_mean = 1, p_wilcoxon = 1, p_sign_flip = 1;
  double p = 1, p_corrected = 1;  // of the test that the rules name
  double p_mean_corrected = 1;    // a verdict of better or worse needs it too
  double rank_biserial = 0, cliffs_delta = 0;
  WinTieLoss counts;
  Verdict verdict = Verdict::Inconclusive;
};

/// Every arm after the first against the first, or against the arm that `against` numbers (itself: nothing); none where
/// the two share no seed or an arm has no scores. Holm's family are the arms given. An arm is better or worse when its
/// interval leaves out zero and both the named test and the test of the mean say so after correction; equivalent when
/// the interval lies within the margin. Seeded by the arms' names and `metric`.
std::vector<std::optional<ArmComparison>> compare_arms(const std::vector<ArmScores>& arms, const CompareRules& rules,
                                                       bool higher_is_better, const std::string& metric,
                                                       const std::vector<size_t>& against = {});

/// The same for (variant, reference) pairs of `arms`: Holm's family are the pairs.
std::vector<std::optional<ArmComparison>> compare_pairs(const std::vector<ArmScores>& arms,
                                                        const std::vector<std::pair<size_t, size_t>>& pairs,
                                                        const CompareRules& rules, bool higher_is_better,
                                                        const std::string& metric);

}  // namespace lamina::engine
