// The product itself, with sums in kTileRows x kMostVectors registers; for operands of `Kind`.
#pragma once

#include "vectors.inl"

namespace lamina::nn::panel {
namespace {

/// c[r][j] = (kAdd: +) sum over w of a[r][w] * b[w][j]. Steps count words, `vectors` are of kLanes.
template <class Kind>
struct InRegisters {
  typedef typename Kind::Word Word;

  template <int kRows, int kVectors>
  static __attribute__((noinline)) void block(const Word* a, long a_step, const Word* b, long b_step, float* c,
                                              long c_step, long words, bool add) {
    Vec sum[kRows][kVectors] = {};
    for (long w = 0; w < words; ++w) {
      Vec right[kVectors];
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) right[j] = load(b + w * b_step + j * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int j = 0; j < kVectors; ++j) Kind::multiply_add(sum[r][j], right[j], a + r * a_step + w);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) {
        float* const at = c + r * c_step + j * kLanes;
        store(at, add ? load(at) + sum[r][j] : sum[r][j]);
      }
    }
  }

  template <int kVectors>
  static void columns(const Word* a, long a_step, const Word* b, long b_step, float* c, long c_step, long rows,
                      long words, bool add) {
    long r = 0;
    for (; r + kTileRows <= rows; r += kTileRows)
      block<kTileRows, kVectors>(a + r * a_step, a_step, b, b_step, c + r * c_step, c_step, words, add);
    for (; r + 2 <= rows; r += 2)
      block<2, kVectors>(a + r * a_step, a_step, b, b_step, c + r * c_step, c_step, words, add);
    for (; r < rows; ++r) block<1, kVectors>(a + r * a_step, a_step, b, b_step, c + r * c_step, c_step, words, add);
  }

  static void product(const Word* a, long a_step, const Word* b, long b_step, float* c, long c_step, long rows,
                      long vectors, long words, bool add) {
    for (long j = 0; j < vectors;) {
      const long left = vectors - j, take = left > kMostVectors && left < 2 * kMostVectors ? (left + 1) / 2 : left;
      const Word* const right = b + j * kLanes;
      float* const to = c + j * kLanes;
      if (take >= 4 && kMostVectors >= 4) {
        columns<kMostVectors>(a, a_step, right, b_step, to, c_step, rows, words, add);
        j += kMostVectors;
      } else if (take >= 3) {
        columns<3>(a, a_step, right, b_step, to, c_step, rows, words, add);
        j += 3;
      } else if (take == 2) {
        columns<2>(a, a_step, right, b_step, to, c_step, rows, words, add);
        j += 2;
      } else {
        columns<1>(a, a_step, right, b_step, to, c_step, rows, words, add);
        j += 1;
      }
    }
  }
};

}  // namespace
}  // namespace lamina::nn::panel
