// The assignment, solved by dlib. This is the one file that sees dlib.
#include "assignment.hpp"

// Only templates are used and libdlib is not linked; this guard leaves out the header that would ask for its symbols.
#define DLIB_TEST_FOR_ODR_VIOLATIONS_H_
#include <dlib/optimization/max_cost_assignment.h>

#include <algorithm>
#include <cmath>

namespace lamina::set_match {
namespace {

// dlib solves integer problems exactly. Costs are scaled so that the largest becomes 2^50: finer than float32 has
// digits, with room for the sums inside the solver.
constexpr double kScaledLargest = 1125899906842624.0;

double largest_magnitude(const std::vector<double>& cost) {
  double largest = 0;
  for (const double value : cost) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

std::vector<int64_t> cheapest_rows(const std::vector<double>& cost, int64_t rows, int64_t columns) {
  std::vector<int64_t> result(static_cast<size_t>(columns), -1);
  const int64_t side = std::max(rows, columns);
  if (std::min(rows, columns) == 0) return result;
  const double largest = largest_magnitude(cost), scale = largest > 0 ? kScaledLargest / largest : 0;
  // Made square by pairs that cost nothing; dlib maximises, so costs change sign.
  dlib::matrix<int64_t> gain(side, side);
  gain = 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column)
      gain(row, column) = -std::llround(cost[static_cast<size_t>(row * columns + column)] * scale);
  }
  const std::vector<long> column_of = dlib::max_cost_assignment(gain);
  for (int64_t row = 0; row < rows; ++row) {
    const long column = column_of[static_cast<size_t>(row)];
    if (column < columns) result[static_cast<size_t>(column)] = row;
  }
  return result;
}

}  // namespace lamina::set_match
