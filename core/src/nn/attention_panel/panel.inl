// The kernel itself, written once for vectors of kLanes floats; attend_*.cpp say how many and compile it.
//
// Queries lie in the lanes: scores are [key][query], so that maximum, sum, rescaling and both terms of relative position
// are plain vertical operations. A panel of queries goes over the keys in tiles whose weights stay in the first cache:
//   scores of a few keys in registers -> exp2 in the epilogue -> weights [key][query] -> result [depth][query].
// The exponents' reference is the largest score of the first keys; a tile is done again, rescaled, only where a score is
// more than 2^kHighest above it. Everything is in units of log2.
#include "panel.hpp"

namespace lamina::nn::panel {
namespace {

typedef float Vec __attribute__((vector_size(kLanes * sizeof(float))));
typedef int Int __attribute__((vector_size(kLanes * sizeof(float))));

constexpr long kTileKeys = 128;   // weights of a tile: kTileKeys * kVectors * kLanes floats
constexpr long kFirstKeys = 4;    // that give the reference
constexpr float kHighest = 64;    // exponent above the reference that is still exact enough
constexpr float kLog2E = 1.44269504088896341F;

#define LAMINA_INLINE static inline __attribute__((always_inline))

LAMINA_INLINE Vec load(const float* at) { return *reinterpret_cast<const Vec*>(at); }
LAMINA_INLINE void store(float* at, Vec value) { *reinterpret_cast<Vec*>(at) = value; }
LAMINA_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
LAMINA_INLINE long at_most(long a, long b) { return a < b ? a : b; }

/// 2^t, relative error below 1.5e-7; smaller than 2^-126 becomes that. Rounds to whole numbers by adding 1.5 * 2^23.
LAMINA_INLINE Vec power_of_two(Vec t) {
  constexpr float kRound = 12582912.0F;
  const Vec smallest = Vec{} - 126.0F;
  t = larger(t, smallest);
  const Vec shifted = t + kRound;
  const Vec rest = t - (shifted - kRound);
  Vec sum = rest * 1.3276472028e-03F + 9.6755414798e-03F;
  sum = sum * rest + 5.5507132747e-02F;
  sum = sum * rest + 2.4022119721e-01F;
  sum = sum * rest + 6.9314696706e-01F;
  sum = sum * rest + 1.0000000717e+00F;
  return reinterpret_cast<Vec>(reinterpret_cast<Int>(sum) + (reinterpret_cast<Int>(shifted) << 23));
}

/// sum[r][j] += a[r][d] * panel[d][j] over d.
template <int kRows, int kVectors>
LAMINA_INLINE void multiply(const float* panel, const float* a, long depth, Vec (&sum)[kRows][kVectors]) {
  for (long d = 0; d < depth; ++d) {
    Vec q[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) q[j] = load(panel + (d * kVectors + j) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float factor = a[r * depth + d];
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) sum[r][j] += q[j] * factor;
    }
  }
}

/// Where things of a panel of kVectors * kLanes queries lie in the workspace.
struct Space {
  float *queries, *along_height, *along_width, *products, *result, *weights, *sum, *highest, *tile_sum;
};

template <int kVectors>
class Panel {
 public:
  static constexpr long kQueries = kVectors * kLanes;

  Panel(const Call& call, const Space& space, long first)
      : call_(call), space_(space), first_(first), valid_(at_most(kQueries, call.count - first)) {}

  void run() {
    pack_queries();
    relative_position(call_.table_height, call_.height, call_.rows, space_.along_height);
    relative_position(call_.table_width, call_.width, call_.columns, space_.along_width);
    take_reference();
    const long keys = call_.height * call_.width;
    for (long key = 0; key < keys; key += kTileKeys) tile(key, at_most(kTileKeys, keys - key));
    unpack_result();
  }

 private:
  /// The last query fills lanes that have none.
  long query_of(long lane) const { return first_ + at_most(lane, valid_ - 1); }

  /// [depth][query], times log2(e) / sqrt(depth).
  void pack_queries() {
    const float scale = kLog2E / __builtin_sqrtf(static_cast<float>(call_.depth));
    for (long lane = 0; lane < kQueries; ++lane) {
      const float* from = call_.queries + query_of(lane) * call_.depth;
      for (long d = 0; d < call_.depth; ++d) space_.queries[d * kQueries + lane] = from[d] * scale;
    }
  }

  /// out[k][query] = log2(e) * q . table[position - k + size - 1].
  void relative_position(const float* table, long size, const long* positions, float* out) {
    long low = positions[query_of(0)], high = low;
    for (long lane = 1; lane < valid_; ++lane) {
      const long at = positions[first_ + lane];
      low = at < low ? at : low;
      high = at > high ? at : high;
    }
    const long rows = high - low + size;  // of the table, from row `low` on
    long row = 0;
    for (; row + 4 <= rows; row += 4) product_rows<4>(table + (low + row) * call_.depth, space_.products + row * kQueries);
    for (; row < rows; ++row) product_rows<1>(table + (low + row) * call_.depth, space_.products + row * kQueries);
    const float scale = __builtin_sqrtf(static_cast<float>(call_.depth));
    for (long lane = 0; lane < kQueries; ++lane) {
      const float* from = space_.products + (positions[query_of(lane)] - low + size - 1) * kQueries + lane;
      for (long k = 0; k < size; ++k, from -= kQueries) out[k * kQueries + lane] = *from * scale;
    }
  }

  template <int kRows>
  void product_rows(const float* rows, float* out) {
    Vec sum[kRows][kVectors] = {};
    multiply<kRows, kVectors>(space_.queries, rows, call_.depth, sum);
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kVectors; ++j) store(out + (r * kVectors + j) * kLanes, sum[r][j]);
    }
  }

  /// Both terms of relative position of a key.
  LAMINA_INLINE Vec position_term(const Panel& self, long key, int j) {
    const long row = key / self.call_.width, column = key - row * self.call_.width;
    return load(self.space_.along_height + (row * kVectors + j) * kLanes) +
           load(self.space_.along_width + (column * kVectors + j) * kLanes);
  }

  void take_reference() {
    const long count = at_most(kFirstKeys, call_.height * call_.width);
    for (long key = 0; key < count; ++key) product_rows<1>(call_.keys + key * call_.depth, space_.weights + key * kQueries);
    for (int j = 0; j < kVectors; ++j) {
      Vec highest = load(space_.weights + j * kLanes) + position_term(*this, 0, j);
      for (long key = 1; key < count; ++key)
        highest = larger(highest, load(space_.weights + (key * kVectors + j) * kLanes) + position_term(*this, key, j));
      lower_scores(highest, j);
      store(space_.sum + j * kLanes, Vec{});
    }
    for (long i = 0; i < call_.depth * kVectors; ++i) store(space_.result + i * kLanes, Vec{});
  }

  /// Takes `by` from every score of the queries in vector j.
  void lower_scores(Vec by, int j) {
    for (long row = 0; row < call_.height; ++row) {
      float* at = space_.along_height + (row * kVectors + j) * kLanes;
      store(at, load(at) - by);
    }
  }

  void tile(long key, long count) {
    weigh(key, count);
    if (too_high()) {
      rescale();
      weigh(key, count);
    }
    for (int j = 0; j < kVectors; ++j)
      store(space_.sum + j * kLanes, load(space_.sum + j * kLanes) + load(space_.tile_sum + j * kLanes));
    long d = 0;
    for (; d + kTileRows <= call_.depth; d += kTileRows) mix<kTileRows>(key, count, d);
    for (; d < call_.depth; ++d) mix<1>(key, count, d);
  }

  /// Weights of a tile's keys, their sum, and the highest exponent.
  void weigh(long key, long count) {
    for (int j = 0; j < kVectors; ++j) {
      store(space_.highest + j * kLanes, Vec{} - 1e30F);
      store(space_.tile_sum + j * kLanes, Vec{});
    }
    long k = 0;
    for (; k + kTileRows <= count; k += kTileRows) weigh_keys<kTileRows>(key + k, space_.weights + k * kQueries);
    for (; k < count; ++k) weigh_keys<1>(key + k, space_.weights + k * kQueries);
  }

  template <int kRows>
  __attribute__((noinline)) void weigh_keys(long key, float* weights) {
    Vec score[kRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) score[r][j] = position_term(*this, key + r, j);
    }
    multiply<kRows, kVectors>(space_.queries, call_.keys + key * call_.depth, call_.depth, score);
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      Vec highest = load(space_.highest + j * kLanes), sum = load(space_.tile_sum + j * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        highest = larger(highest, score[r][j]);
        const Vec weight = power_of_two(score[r][j]);
        sum += weight;
        store(weights + (r * kVectors + j) * kLanes, weight);
      }
      store(space_.highest + j * kLanes, highest);
      store(space_.tile_sum + j * kLanes, sum);
    }
  }

  bool too_high() const {
    for (long lane = 0; lane < kQueries; ++lane) {
      if (space_.highest[lane] > kHighest) return true;
    }
    return false;
  }

  /// Makes the tile's highest score the reference, where it is above the old one.
  void rescale() {
    for (int j = 0; j < kVectors; ++j) {
      const Vec above = larger(load(space_.highest + j * kLanes), Vec{}), factor = power_of_two(Vec{} - above);
      lower_scores(above, j);
      store(space_.sum + j * kLanes, load(space_.sum + j * kLanes) * factor);
      for (long d = 0; d < call_.depth; ++d) {
        float* at = space_.result + (d * kVectors + j) * kLanes;
        store(at, load(at) * factor);
      }
    }
  }

  /// result[d ... d + kRows][query] += sum over the tile's keys of value * weight, summed in registers of their own.
  template <int kRows>
  __attribute__((noinline)) void mix(long key, long count, long d) {
    Vec sum[kRows][kVectors] = {};
    const float *value = call_.values + key * call_.depth + d, *weight = space_.weights;
    for (long k = 0; k < count; ++k, value += call_.depth, weight += kQueries) {
      Vec w[kVectors];
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) w[j] = load(weight + j * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int j = 0; j < kVectors; ++j) sum[r][j] += w[j] * value[r];
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kVectors; ++j) {
        float* at = space_.result + ((d + r) * kVectors + j) * kLanes;
        store(at, load(at) + sum[r][j]);
      }
    }
  }

  void unpack_result() {
    for (long lane = 0; lane < valid_; ++lane) {
      const float factor = 1 / space_.sum[lane];
      float* to = call_.result + (first_ + lane) * call_.depth;
      for (long d = 0; d < call_.depth; ++d) to[d] = space_.result[d * kQueries + lane] * factor;
    }
  }

  const Call& call_;
  const Space& space_;
  const long first_, valid_;
};

constexpr long kMostQueries = kMostVectors * kLanes;

Space space_of(const Call& call) {
  Space space{};
  float* at = call.workspace;
  const auto take = [&](long rows) {
    float* const begin = at;
    at += rows * kMostQueries;
    return begin;
  };
  space.queries = take(call.depth);
  space.along_height = take(call.height);
  space.along_width = take(call.width);
  space.products = take(2 * (call.height > call.width ? call.height : call.width));
  space.result = take(call.depth);
  space.weights = take(kTileKeys);
  space.sum = take(1);
  space.highest = take(1);
  space.tile_sum = take(1);
  return space;
}

void attend(const Call& call) {
  const Space space = space_of(call);
  long first = 0;
  for (; first + kMostQueries <= call.count; first += kMostQueries) Panel<kMostVectors>(call, space, first).run();
  // What is left goes into narrower panels, so that few lanes are empty.
  for (; first + 2 * kLanes <= call.count; first += 2 * kLanes) Panel<2>(call, space, first).run();
  for (; first < call.count; first += kLanes) Panel<1>(call, space, first).run();
}

#undef LAMINA_INLINE

}  // namespace
}  // namespace lamina::nn::panel
