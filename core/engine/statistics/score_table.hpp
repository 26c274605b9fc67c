// Scores of one arm in one metric: a row a unit (case or patient group), a column a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lamina::engine {

struct ScoreRow {
  std::string unit, group;
  std::vector<double> values;  // by seed; NaN where undefined
};

struct ScoreTable {
  std::vector<int64_t> seeds;
  std::vector<ScoreRow> rows;

  size_t units() const { return rows.size(); }
  std::vector<double> unit_means() const;  ///< over the defined seeds; NaN where there is none
  std::vector<double> seed_means() const;  ///< over the defined units
};

/// variant - baseline over the units of the baseline and the seeds of both; a cell is undefined where either side is.
/// Rounded to 1e-9: scores are kept with nine digits, and what is smaller is noise of the arithmetic.
ScoreTable difference_of(const ScoreTable& variant, const ScoreTable& baseline);

/// One row a group: the mean over its defined cases, seed by seed. Patients count once however many scans they have.
ScoreTable by_group(const ScoreTable& table);

/// Rows with at least one defined cell; their undefined cells take what unit and seed let expect (the least-squares fit
/// of unit + seed, Yates 1933). `filled` counts them.
ScoreTable complete_rows(const ScoreTable& table, int64_t& filled);

}  // namespace lamina::engine
