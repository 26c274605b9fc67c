// The hierarchical bootstrap of a mean: seeds are drawn, then units.
#pragma once

#include "engine/statistics/score_table.hpp"
#include "engine/statistics/summary.hpp"

#include <cstdint>
#include <vector>

namespace lamina {
class Random;
}

namespace lamina::engine {

/// One draw: which seeds and which units, both with replacement. The units are drawn once and serve every drawn seed,
/// because all seeds are scored on the same cases; a single seed is not drawn.
struct Resample {
  std::vector<size_t> seeds, units;
};
void draw(Random& random, size_t seeds, size_t units, Resample& made);

/// Means of `draws` resamples of a table with complete rows. Seeded, so reproducible.
std::vector<double> bootstrap_means(const ScoreTable& table, int64_t draws, uint64_t seed);
/// The middle 1 - alpha of the values: quantiles alpha / 2 and 1 - alpha / 2.
Interval percentile_interval(const std::vector<double>& values, double alpha);
/// Efron's bias-corrected and accelerated interval from `means`, the bootstrap of `table`; the acceleration is that of
/// the jackknife over units and, with more than one, over seeds. NaN where all draws lie on one side.
Interval bca_interval(const ScoreTable& table, const std::vector<double>& means, double alpha);

}  // namespace lamina::engine
