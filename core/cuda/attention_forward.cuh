// Forward pass of attention: a block's 64 queries go over all keys, a tile at a time, with a running maximum and sum.
#pragma once

#include "attention_tiles.cuh"

namespace lamina::cuda {

template <typename T, int kDepth>
struct ForwardTiles {
  static constexpr int kKeys = kOthers<kDepth, false>, kTileKeys = kKeys;
  T *queries, *keys, *values;
  TermsOfRows<kKeys> terms;

  LAMINA_HOST_DEVICE ForwardTiles(Shared& shared, const KeyCut& cut) {
    queries = shared.take_rows<T, kDepth>(kOwnRows);
    keys = shared.take_rows<T, kDepth>(kKeys);
    values = shared.take_rows<T, kDepth>(kKeys);
    shared.take(cut, terms);
  }
};

/// What a lane knows of its two rows.
struct RunningSoftmax {
  float highest[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0, 0};  ///< of the lane's own columns

  /// Scores become weights; what was added up before is to be multiplied by `factor`.
  template <int kTiles>
  LAMINA_DEVICE void take(Sums<kTiles>& score, float (&factor)[2]) {
    LAMINA_UNROLL
    for (int half = 0; half < 2; ++half) {
      float top = highest[half];
      LAMINA_UNROLL
      for (int n = 0; n < kTiles; ++n) top = fmaxf(top, fmaxf(score[n][2 * half], score[n][2 * half + 1]));
      top = quad_max(top);
      factor[half] = exp2f(highest[half] - top);
      highest[half] = top;
      sum[half] *= factor[half];
      LAMINA_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        LAMINA_UNROLL
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          score[n][e] = exp2f(score[n][e] - top);
          sum[half] += score[n][e];
        }
      }
    }
  }
};

/// Blocks: [queries / 64, images * heads]. Three of them on a multiprocessor, or two: what they wait for overlaps.
template <typename T, int kDepth>
LAMINA_KERNEL_BLOCKS(kThreads, kDepth > 64 ? 2 : 3)
attend(AttentionCall call) {
  LAMINA_SHARED(memory);
  constexpr int kKeys = ForwardTiles<T, kDepth>::kKeys, kTiles = kKeys / kTileColumns;
  const Head<T> head(call, static_cast<int>(blockIdx.y));
  const KeyCut cut(head.height, head.width, kKeys);
  Shared shared(memory);
  const ForwardTiles<T, kDepth> tiles(shared, cut);
  const int first = static_cast<int>(blockIdx.x) * kOwnRows;
  load_queries<T, kOwnRows, kDepth>(tiles.queries, first, head);
  const T* const own = tiles.queries + warp() * kWarpRows * (kDepth + kPad<T>);
  const KeyPlaces<kTiles> places(cut.columns);
  const float scale = head.scale() * kLog2E;
  Sums<kDepth / 8> mixed = {};
  RunningSoftmax softmax;

  for (int chunk = 0; chunk < cut.chunks; ++chunk) {
    for (int step = 0; step < cut.steps; ++step) {
      const KeyTile tile(cut, chunk, step, head.height, head.width);
      if (step == 0) tiles.terms.load_by_width(call.products, first, tile, head);
      tiles.terms.load_by_height(call.products, first, tile.first_row, head);
      load_keys<T, kKeys, kDepth>(tiles.keys, tiles.values, tile, head);
      finish_copies();
      __syncthreads();
      Sums<kTiles> score = {};
      multiply_rows<kDepth>(own, tiles.keys, score);
      LAMINA_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        LAMINA_UNROLL
        for (int e = 0; e < 4; ++e) {
          const bool inside = places.inside(n, e, tile);
          const int row = inside ? places.row(n, e) : 0, column = inside ? places.column(n, e) : 0;
          const float term = tiles.terms.at(own_row(e / 2), row, column);
          score[n][e] = inside ? score[n][e] * scale + term : -INFINITY;
        }
      }
      float factor[2];
      softmax.take(score, factor);
      LAMINA_UNROLL
      for (int n = 0; n < kDepth / 8; ++n) {
        LAMINA_UNROLL
        for (int e = 0; e < 4; ++e) mixed[n][e] *= factor[e / 2];
      }
      multiply_weights<kDepth>(score, tiles.values, mixed);
      __syncthreads();
    }
  }

  for (int half = 0; half < 2; ++half) {
    const float sum = quad_sum(softmax.sum[half]);
    const int query = first + own_row(half);
    if (query >= head.queries) continue;
    write_row<T, kDepth>(mixed, half, 1 / sum, head.depth, static_cast<T*>(call.result) + head.result(query));
    if (lane() % 4 == 0) call.log_sum[head.row(query)] = softmax.highest[half] + log2f(sum);
  }
}

}  // namespace lamina::cuda
