// Matrix products of one warp on tensor cores: 16 rows against 8 columns at a time, sums in float32.
//
// bfloat16 multiplies 16 deep. float32 is cut in two TF32 parts, high and low, multiplied 8 deep and three times (low x
// high, high x low, high x high), which leaves an error of about 2^-21.
#pragma once

#include "simt.cuh"

#include <cstdint>

namespace lamina::cuda {

/// Rows in shared memory lie this many elements further apart than they are long: no two lanes then meet in a bank.
template <typename T>
constexpr int kPad = 16 / sizeof(T);

constexpr int kWarpRows = 16, kTileColumns = 8;

/// A warp's result: tile n has columns 8n to 8n + 7; see tensor_core.cuh for who holds what.
template <int kTiles>
using Sums = float[kTiles][4];

struct Split {
  uint32_t high, low;
};

LAMINA_DEVICE Split split(float value) {
  const uint32_t high = as_tf32(value);
  return {high, as_tf32(value - __uint_as_float(high))};
}

/// Left sides of four words, cut in two.
struct SplitLeft {
  uint32_t high[4], low[4];

  LAMINA_DEVICE SplitLeft(float a, float b, float c, float d) {
    const Split parts[4] = {split(a), split(b), split(c), split(d)};
    LAMINA_UNROLL
    for (int i = 0; i < 4; ++i) {
      high[i] = parts[i].high;
      low[i] = parts[i].low;
    }
  }

  LAMINA_DEVICE void multiply(float (&sum)[4], float right_0, float right_1) const {
    const Split first = split(right_0), second = split(right_1);
    multiply_tf32(sum, low, first.high, second.high);
    multiply_tf32(sum, high, first.low, second.low);
    multiply_tf32(sum, high, first.high, second.high);
  }
};

/// sum += a b^T of 16 rows `a` and 8 kTiles rows `b`, all kDepth long, in shared memory.
template <int kDepth, int kTiles>
LAMINA_DEVICE void multiply_rows(const BFloat16* a, const BFloat16* b, Sums<kTiles>& sum) {
  constexpr int kStride = kDepth + kPad<BFloat16>;
  const int matrix = lane() / 8, row = lane() % 8;
  a += (matrix % 2 * 8 + row) * kStride + matrix / 2 * 8;
  b += (matrix / 2 * 8 + row) * kStride + matrix % 2 * 8;
  LAMINA_UNROLL
  for (int k = 0; k < kDepth; k += 16) {
    uint32_t left[4];
    load_matrices(a + k, left);
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; n += 2) {
      uint32_t right[4];
      load_matrices(b + n * kTileColumns * kStride + k, right);
      multiply_bf16(sum[n], left, right[0], right[1]);
      multiply_bf16(sum[n + 1], left, right[2], right[3]);
    }
  }
}

template <int kDepth, int kTiles>
LAMINA_DEVICE void multiply_rows(const float* a, const float* b, Sums<kTiles>& sum) {
  constexpr int kStride = kDepth + kPad<float>;
  const int group = lane() / 4, quad = lane() % 4;
  a += group * kStride + quad;
  b += group * kStride + quad;
  LAMINA_UNROLL
  for (int k = 0; k < kDepth; k += 8) {
    const SplitLeft left(a[k], a[k + 8 * kStride], a[k + 4], a[k + 8 * kStride + 4]);
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      const float* const column = b + n * kTileColumns * kStride + k;
      left.multiply(sum[n], column[0], column[4]);
    }
  }
}

LAMINA_DEVICE uint32_t pair_of(float first, float second) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

/// sum += w b of weights [16, 8 kTiles], which are a result of the above and stay in registers, and 8 kTiles rows `b`
/// of kDepth elements in shared memory.
template <int kDepth, int kTiles>
LAMINA_DEVICE void multiply_weights(const Sums<kTiles>& weights, const BFloat16* b, Sums<kDepth / 8>& sum) {
  constexpr int kStride = kDepth + kPad<BFloat16>;
  const int matrix = lane() / 8, row = lane() % 8;
  b += (matrix % 2 * 8 + row) * kStride + matrix / 2 * 8;
  LAMINA_UNROLL
  for (int k = 0; k < kTiles; k += 2) {  // two tiles of a result are laid out as 16 deep on the left
    const uint32_t left[4] = {pair_of(weights[k][0], weights[k][1]), pair_of(weights[k][2], weights[k][3]),
                              pair_of(weights[k + 1][0], weights[k + 1][1]),
                              pair_of(weights[k + 1][2], weights[k + 1][3])};
    LAMINA_UNROLL
    for (int n = 0; n < kDepth / 8; n += 2) {
      uint32_t right[4];
      load_transposed(b + k * kTileColumns * kStride + n * 8, right);
      multiply_bf16(sum[n], left, right[0], right[1]);
      multiply_bf16(sum[n + 1], left, right[2], right[3]);
    }
  }
}

template <int kDepth, int kTiles>
LAMINA_DEVICE void multiply_weights(const Sums<kTiles>& weights, const float* b, Sums<kDepth / 8>& sum) {
  constexpr int kStride = kDepth + kPad<float>;
  const int group = lane() / 4, quad = lane() % 4;
  b += 2 * quad * kStride + group;
  LAMINA_UNROLL
  for (int k = 0; k < kTiles; ++k) {
    // A lane holds columns 2q and 2q + 1, and the left side wants depths q and q + 4: the order of depths is free.
    const SplitLeft left(weights[k][0], weights[k][2], weights[k][1], weights[k][3]);
    LAMINA_UNROLL
    for (int n = 0; n < kDepth / 8; ++n) {
      const float* const column = b + k * kTileColumns * kStride + n * 8;
      left.multiply(sum[n], column[0], column[kStride]);
    }
  }
}

}  // namespace lamina::cuda
