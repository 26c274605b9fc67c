// Vectors of kLanes floats in GCC's own types, and what the kernels do with them.
#pragma once

namespace lamina::nn::panel {
namespace {

#define LAMINA_INLINE static inline __attribute__((always_inline))

typedef float Vec __attribute__((vector_size(kLanes * 4), may_alias));
typedef float LooseVec __attribute__((vector_size(kLanes * 4), may_alias, aligned(4)));
typedef int Int __attribute__((vector_size(kLanes * 4), may_alias));
typedef unsigned UInt __attribute__((vector_size(kLanes * 4), may_alias));
typedef unsigned short Shorts __attribute__((vector_size(kLanes * 2), may_alias, aligned(2)));

constexpr float kLog2E = 1.44269504088896341F;

LAMINA_INLINE Vec load(const void* at) { return *static_cast<const Vec*>(at); }
LAMINA_INLINE Vec load_loose(const void* at) { return *static_cast<const LooseVec*>(at); }
LAMINA_INLINE void store(void* at, Vec value) { *static_cast<Vec*>(at) = value; }
LAMINA_INLINE void store_loose(void* at, Vec value) { *static_cast<LooseVec*>(at) = value; }
LAMINA_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
LAMINA_INLINE long at_most(long a, long b) { return a < b ? a : b; }
LAMINA_INLINE long at_least(long a, long b) { return a > b ? a : b; }
LAMINA_INLINE long round_up(long value, long step) { return (value + step - 1) / step * step; }

/// 2^t by rounding to whole numbers (adding 1.5 * 2^23) and a polynomial of the rest; smaller than 2^-126 becomes that.
/// Relative error below 1.5e-7, with kRough 7.5e-5.
template <bool kRough>
LAMINA_INLINE Vec power_of_two(Vec t) {
  constexpr float kRound = 12582912.0F;
  t = larger(t, Vec{} - 126.0F);
  const Vec shifted = t + kRound;
  const Vec rest = t - (shifted - kRound);
  Vec sum;
  if (kRough) {
    sum = rest * 5.5171669360e-02F + 2.4261113138e-01F;
    sum = sum * rest + 6.9326098620e-01F;
    sum = sum * rest + 9.9992807300e-01F;
  } else {
    sum = rest * 1.3276472028e-03F + 9.6755414798e-03F;
    sum = sum * rest + 5.5507132747e-02F;
    sum = sum * rest + 2.4022119721e-01F;
    sum = sum * rest + 6.9314696706e-01F;
    sum = sum * rest + 1.0000000717e+00F;
  }
  return reinterpret_cast<Vec>(reinterpret_cast<Int>(sum) + (reinterpret_cast<Int>(shifted) << 23));
}

/// Exchanges the off-diagonal squares of kStep lanes, for every pair of rows that far apart.
template <int kStep>
LAMINA_INLINE void swap_squares(Vec (&rows)[kLanes]) {
  Int low, high;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    low[i] = (i & kStep) ? kLanes + i - kStep : i;
    high[i] = (i & kStep) ? kLanes + i : i + kStep;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & kStep) continue;
    const Vec a = rows[i], b = rows[i + kStep];
    rows[i] = __builtin_shuffle(a, b, low);
    rows[i + kStep] = __builtin_shuffle(a, b, high);
  }
}

LAMINA_INLINE void transpose(Vec (&rows)[kLanes]) {
  swap_squares<kLanes / 2>(rows);
  swap_squares<kLanes / 4>(rows);
  swap_squares<kLanes / 8>(rows);
  if constexpr (kLanes == 16) swap_squares<1>(rows);
}

/// to[j][i] = from[i][j], 32 bits each; both sizes multiples of kLanes.
__attribute__((noinline)) void transpose_block(const void* from, long from_step, long rows, long columns, void* to,
                                               long to_step) {
  const float* const source = static_cast<const float*>(from);
  float* const target = static_cast<float*>(to);
  for (long i = 0; i < rows; i += kLanes) {
    for (long j = 0; j < columns; j += kLanes) {
      Vec square[kLanes];
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) square[r] = load_loose(source + (i + r) * from_step + j);
      transpose(square);
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) store(target + (j + r) * to_step + i, square[r]);
    }
  }
}

void clear(void* at, long words) {
  for (long i = 0; i < words; i += kLanes) store(static_cast<float*>(at) + i, Vec{});
}

/// Hands out stretches of a workspace, each aligned to a cache line; without memory it only counts.
struct Shelf {
  unsigned long base;
  unsigned long used = 0;
  template <class Type>
  Type* take(long count) {
    const unsigned long begin = base + used;
    used += (static_cast<unsigned long>(count) * sizeof(Type) + 63) / 64 * 64;
    return reinterpret_cast<Type*>(begin);
  }
};

}  // namespace
}  // namespace lamina::nn::panel
