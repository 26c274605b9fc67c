// Backward pass of attention: scores are computed again from what the forward pass kept. Two kernels, so that every
// number is added up by one thread in a fixed order: one for queries and tables, one for keys and values.
#pragma once

#include "attention_tiles.cuh"

namespace lamina::cuda {

/// What the forward pass knew of a query, and its delta. Beyond the last query weights become 0.
struct QueryFacts {
  float log_sum, delta;

  template <typename T>
  LAMINA_DEVICE QueryFacts(const AttentionGradientCall& call, const Head<T>& head, int query)
      : log_sum(query < head.queries ? call.forward.log_sum[head.row(query)] : INFINITY),
        delta(query < head.queries ? call.delta[head.row(query)] : 0) {}
};

template <typename T, int kDepth>
struct QueryTiles {
  static constexpr int kKeys = kOthers<kDepth, true>, kTileKeys = kKeys;
  T *queries, *grads, *keys, *values;
  TermsOfRows<kKeys> terms;

  LAMINA_HOST_DEVICE QueryTiles(Shared& shared, const KeyCut& cut) {
    queries = shared.take_rows<T, kDepth>(kOwnRows);
    grads = shared.take_rows<T, kDepth>(kOwnRows);
    keys = shared.take_rows<T, kDepth>(kKeys);
    values = shared.take_rows<T, kDepth>(kKeys);
    shared.take(cut, terms);
  }
};

/// Gradients of scores -> those of the products with the tables: sums along rows and down columns of the keys' grid.
template <typename T, int kTiles>
class PositionSums {
 public:
  LAMINA_DEVICE PositionSums(const Head<T>& head, const KeyPlaces<kTiles>& places, int first, float* grad_products)
      : head_(head), places_(places), first_(first), grad_products_(grad_products) {}

  LAMINA_DEVICE void take(const Sums<kTiles>& gradient, const KeyTile& tile, bool first_chunk) {
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      LAMINA_UNROLL
      for (int e = 0; e < 4; ++e) columns_[n][e] += gradient[n][e];
    }
    for (int row = 0; row * tile.columns < tile.count; ++row) {
      float sum[2] = {0, 0};
      LAMINA_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        LAMINA_UNROLL
        for (int e = 0; e < 4; ++e) sum[e / 2] += places_.row(n, e) == row ? gradient[n][e] : 0;
      }
      for (int half = 0; half < 2; ++half) {
        const float total = quad_sum(sum[half]);
        const int query = first_ + own_row(half);
        if (lane() % 4 != 0 || query >= head_.queries) continue;
        float* const to = grad_products_ + head_.by_height(query) + tile.first_row + row;
        *to = first_chunk ? total : *to + total;
      }
    }
  }

  /// After a chunk of columns; `sums` [kOwnRows, kStride] is free to be used.
  template <int kStride>
  LAMINA_DEVICE void finish(const KeyCut& cut, int first_column, float* sums) {
    for (int row = 0; row < cut.rows; ++row) {  // lanes may hold one column in different rows: one row after the other
      LAMINA_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        LAMINA_UNROLL
        for (int e = 0; e < 4; ++e) {
          if (places_.row(n, e) != row) continue;
          float* const to = sums + own_row(e / 2) * kStride + places_.column(n, e);
          *to = row == 0 ? columns_[n][e] : *to + columns_[n][e];
        }
      }
      __syncwarp();
    }
    for (int i = lane(); i < kWarpRows * cut.columns; i += kWarp) {
      const int own = warp() * kWarpRows + i / cut.columns, column = i % cut.columns;
      if (first_ + own >= head_.queries || first_column + column >= head_.width) continue;
      const size_t begin = head_.by_width(first_ + own, (first_ + own) % head_.area_width);
      grad_products_[begin + first_column + column] = sums[own * kStride + column];
    }
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      LAMINA_UNROLL
      for (int e = 0; e < 4; ++e) columns_[n][e] = 0;
    }
  }

 private:
  const Head<T>& head_;
  const KeyPlaces<kTiles>& places_;
  const int first_;
  float* const grad_products_;
  Sums<kTiles> columns_ = {};
};

/// Blocks: [queries / 64, images * heads].
template <typename T, int kDepth>
LAMINA_KERNEL_BLOCKS(kThreads, 2)
attend_gradient_queries(AttentionGradientCall call) {
  LAMINA_SHARED(memory);
  constexpr int kKeys = QueryTiles<T, kDepth>::kKeys, kTiles = kKeys / kTileColumns, kRow = kDepth + kPad<T>;
  const Head<T> head(call.forward, static_cast<int>(blockIdx.y));
  const KeyCut cut(head.height, head.width, kKeys);
  Shared shared(memory);
  const QueryTiles<T, kDepth> tiles(shared, cut);
  const int first = static_cast<int>(blockIdx.x) * kOwnRows;
  load_queries<T, kOwnRows, kDepth>(tiles.queries, first, head);
  load_results<T, kOwnRows, kDepth>(tiles.grads, call.grad_result, first, head);
  const T* const queries = tiles.queries + warp() * kWarpRows * kRow;
  const T* const grads = tiles.grads + warp() * kWarpRows * kRow;
  const QueryFacts facts[2] = {{call, head, first + own_row(0)}, {call, head, first + own_row(1)}};
  const KeyPlaces<kTiles> places(cut.columns);
  const float scale = head.scale() * kLog2E;
  PositionSums<T, kTiles> sums(head, places, first, call.grad_products);
  Sums<kDepth / 8> grad_queries = {};

  for (int chunk = 0; chunk < cut.chunks; ++chunk) {
    for (int step = 0; step < cut.steps; ++step) {
      const KeyTile tile(cut, chunk, step, head.height, head.width);
      if (step == 0) tiles.terms.load_by_width(call.forward.products, first, tile, head);
      tiles.terms.load_by_height(call.forward.products, first, tile.first_row, head);
      load_keys<T, kKeys, kDepth>(tiles.keys, tiles.values, tile, head);
      finish_copies();
      __syncthreads();
      Sums<kTiles> score = {}, gradient = {};
      multiply_rows<kDepth>(queries, tiles.keys, score);
      multiply_rows<kDepth>(grads, tiles.values, gradient);
      LAMINA_UNROLL
      for (int n = 0; n < kTiles; ++n) {
        LAMINA_UNROLL
        for (int e = 0; e < 4; ++e) {
          const bool inside = places.inside(n, e, tile);
          const int row = inside ? places.row(n, e) : 0, column = inside ? places.column(n, e) : 0;
          const QueryFacts& fact = facts[e / 2];
          const float weight = exp2f(score[n][e] * scale + tiles.terms.at(own_row(e / 2), row, column) - fact.log_sum);
          gradient[n][e] = inside ? weight * (gradient[n][e] - fact.delta) : 0;
        }
      }
      sums.take(gradient, tile, chunk == 0);
      multiply_weights<kDepth>(gradient, tiles.keys, grad_queries);
      __syncthreads();
    }
    sums.template finish<kKeys + 8>(cut, chunk * cut.columns, tiles.terms.by_width);
    __syncthreads();
  }

  for (int half = 0; half < 2; ++half) {
    const int query = first + own_row(half);
    if (query >= head.queries) continue;
    write_row<float, kDepth>(grad_queries, half, head.scale(), head.depth,
                             call.grad_queries + head.row(query) * head.depth);
  }
}

template <typename T, int kDepth>
struct KeyTiles {
  static constexpr int kQueries = kOthers<kDepth, true>, kTileKeys = kOwnRows;
  T *keys, *values, *queries, *grads;
  float *log_sum, *delta;
  TermsOfColumns<kQueries> terms;

  LAMINA_HOST_DEVICE KeyTiles(Shared& shared, const KeyCut& cut) {
    keys = shared.take_rows<T, kDepth>(kOwnRows);
    values = shared.take_rows<T, kDepth>(kOwnRows);
    queries = shared.take_rows<T, kDepth>(kQueries);
    grads = shared.take_rows<T, kDepth>(kQueries);
    log_sum = shared.take<float>(kQueries);
    delta = shared.take<float>(kQueries);
    shared.take(cut, terms);
  }

  LAMINA_DEVICE void load(const AttentionGradientCall& call, const Head<T>& head, int first, const KeyTile& tile) {
    load_queries<T, kQueries, kDepth>(queries, first, head);
    load_results<T, kQueries, kDepth>(grads, call.grad_result, first, head);
    terms.load_by_width(call.forward.products, first, tile, head);
    terms.load_by_height(call.forward.products, first, tile.first_row, head);
    for (int i = thread(); i < kQueries; i += kThreads) {
      const QueryFacts facts(call, head, first + i);
      log_sum[i] = facts.log_sum;
      delta[i] = facts.delta;
    }
  }
};

/// Blocks: [tiles of keys, images * heads]. Rows of the products are keys, columns queries.
template <typename T, int kDepth>
LAMINA_KERNEL_BLOCKS(kThreads, kDepth > 64 || sizeof(T) == sizeof(float) ? 2 : 3)
attend_gradient_keys(AttentionGradientCall call) {
  LAMINA_SHARED(memory);
  constexpr int kQueries = KeyTiles<T, kDepth>::kQueries, kTiles = kQueries / kTileColumns, kRow = kDepth + kPad<T>;
  const Head<T> head(call.forward, static_cast<int>(blockIdx.y));
  const KeyCut cut(head.height, head.width, kOwnRows);
  Shared shared(memory);
  KeyTiles<T, kDepth> tiles(shared, cut);
  const int index = static_cast<int>(blockIdx.x);
  const KeyTile tile(cut, index / cut.steps, index % cut.steps, head.height, head.width);
  load_keys<T, kOwnRows, kDepth>(tiles.keys, tiles.values, tile, head);
  const T* const keys = tiles.keys + warp() * kWarpRows * kRow;
  const T* const values = tiles.values + warp() * kWarpRows * kRow;
  int row[2], column[2];
  for (int half = 0; half < 2; ++half) {
    const bool inside = own_row(half) < tile.count;
    row[half] = inside ? own_row(half) / cut.columns : 0;
    column[half] = inside ? own_row(half) % cut.columns : 0;
  }
  const float scale = head.scale() * kLog2E;
  Sums<kDepth / 8> grad_keys = {}, grad_values = {};

  for (int first = 0; first < head.queries; first += kQueries) {
    tiles.load(call, head, first, tile);
    finish_copies();
    __syncthreads();
    Sums<kTiles> weight = {}, gradient = {};
    multiply_rows<kDepth>(keys, tiles.queries, weight);
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      LAMINA_UNROLL
      for (int e = 0; e < 4; ++e) {
        const int query = column_of(n, e);
        const float term = tiles.terms.at(query, row[e / 2], column[e / 2]);
        weight[n][e] = exp2f(weight[n][e] * scale + term - tiles.log_sum[query]);
      }
    }
    multiply_weights<kDepth>(weight, tiles.grads, grad_values);
    multiply_rows<kDepth>(values, tiles.grads, gradient);
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      LAMINA_UNROLL
      for (int e = 0; e < 4; ++e) gradient[n][e] = weight[n][e] * (gradient[n][e] - tiles.delta[column_of(n, e)]);
    }
    multiply_weights<kDepth>(gradient, tiles.queries, grad_keys);
    __syncthreads();
  }

  T* const grad_qkv = static_cast<T*>(call.grad_qkv) + (head.qkv - static_cast<const T*>(call.forward.qkv));
  for (int half = 0; half < 2; ++half) {
    if (!tile.holds(own_row(half))) continue;
    T* const to = grad_qkv + (head.key(tile.token(own_row(half))) - head.qkv);
    write_row<T, kDepth>(grad_keys, half, head.scale(), head.depth, to);
    write_row<T, kDepth>(grad_values, half, 1, head.depth, to + head.channels);
  }
}

}  // namespace lamina::cuda
