// The cheapest one-to-one assignment (the Hungarian problem).
#pragma once

#include <cstdint>
#include <vector>

namespace lamina::set_match {

/// The row that each column gets, -1 for columns left over where there are fewer rows; the sum of cost[row * columns +
/// column] over the pairs is the smallest there is, to 2^-50 of the largest entry. All entries must be finite.
std::vector<int64_t> cheapest_rows(const std::vector<double>& cost, int64_t rows, int64_t columns);

}  // namespace lamina::set_match
