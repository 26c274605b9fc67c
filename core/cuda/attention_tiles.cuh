// What the attention kernels share: where a head's rows lie, tiles in shared memory, the terms of relative position.
//
// Keys are taken in tiles of whole rows of the grid (or of parts of one row where it is long), so that a tile's column
// means the same place in a row each time.
#pragma once

#include "device_kernels.hpp"
#include "products.cuh"

namespace lamina::cuda {

constexpr int kThreads = 128;
constexpr int kOwnRows = kThreads / kWarp * kWarpRows;  // a block's own queries (or keys)
constexpr float kLog2E = 1.44269504088896341F;          // exponentials are of base 2

/// How many of the others a block takes at a time, while it goes over all of them; what registers hold.
template <int kDepth, bool kGradient>
constexpr int kOthers = kGradient&& kDepth > 80 ? 32 : 64;

/// One head of one image.
template <typename T>
struct Head {
  int height, width, area_width, queries, depth, channels, reach;
  size_t image, index;  ///< index: image * heads + head
  const T* qkv;         ///< of the first token

  LAMINA_DEVICE Head(const AttentionCall& call, int index)
      : height(static_cast<int>(call.height)),
        width(static_cast<int>(call.width)),
        area_width(static_cast<int>(call.area_width)),
        queries(static_cast<int>(call.area_height * call.area_width)),
        depth(static_cast<int>(call.head_width)),
        channels(static_cast<int>(call.heads * call.head_width)),
        reach(2 * height + 2 * width - 2),
        image(static_cast<size_t>(index / call.heads)),
        index(static_cast<size_t>(index)),
        qkv(static_cast<const T*>(call.qkv) + image * height * width * 3 * channels + index % call.heads * depth) {}

  LAMINA_DEVICE const T* query(int i) const { return token(i / area_width * width + i % area_width); }
  LAMINA_DEVICE const T* key(int token) const { return this->token(token) + channels; }
  LAMINA_DEVICE const T* value(int token) const { return this->token(token) + 2 * channels; }
  LAMINA_DEVICE const T* token(int i) const { return qkv + static_cast<size_t>(i) * 3 * channels; }
  /// Offset of a row in [images, queries, C].
  LAMINA_DEVICE size_t result(int i) const {
    return (image * queries + i) * channels + index % (channels / depth) * depth;
  }
  /// Offset of a query in [images, heads, queries].
  LAMINA_DEVICE size_t row(int i) const { return index * queries + i; }
  /// Offsets into the products of a query (in column x): those with key row 0, and with key column 0.
  LAMINA_DEVICE size_t by_height(int i) const { return row(i) * reach + (height - 1 - i / area_width); }
  LAMINA_DEVICE size_t by_width(int i, int x) const { return row(i) * reach + 2 * height - 1 + (width - 1 - x); }
  LAMINA_DEVICE float scale() const { return rsqrtf(static_cast<float>(depth)); }
};

/// How a grid of keys is cut into tiles of at most `most` keys: `rows` rows of `columns` each.
struct KeyCut {
  int chunks, columns, rows, steps;  ///< chunks along the width, steps down the height

  LAMINA_HOST_DEVICE KeyCut(int height, int width, int most)
      : chunks((width + most - 1) / most),
        columns((width + chunks - 1) / chunks),
        rows(most / columns < height ? most / columns : height),
        steps((height + rows - 1) / rows) {}
};

/// One tile of keys. Key i of it lies in row i / columns and column i % columns.
struct KeyTile {
  int first_row, first_column, columns, count;  ///< count: with those beyond the grid's right edge
  int height, width;

  LAMINA_DEVICE KeyTile(const KeyCut& cut, int chunk, int step, int height, int width)
      : first_row(step * cut.rows),
        first_column(chunk * cut.columns),
        columns(cut.columns),
        count(min(cut.rows, height - first_row) * cut.columns),
        height(height),
        width(width) {}

  LAMINA_DEVICE int row(int i) const { return first_row + i / columns; }
  LAMINA_DEVICE int column(int i) const { return first_column + i % columns; }
  LAMINA_DEVICE bool holds(int i) const { return i < count && column(i) < width; }
  LAMINA_DEVICE int token(int i) const { return row(i) * width + column(i); }
};

/// Starts to copy kRows rows into [kRows, kDepth + pad]. row_at(i) is null where there is none: zeros, as from element
/// `depth` on. `somewhere`: any address on the device.
template <typename T, int kRows, int kDepth, typename RowAt>
LAMINA_DEVICE void load_rows(T* to, const RowAt& row_at, int depth, const T* somewhere) {
  constexpr int kSize = 16 / sizeof(T), kChunks = kDepth / kSize;
  for (int i = thread(); i < kRows * kChunks; i += kThreads) {
    const int row = i / kChunks, d = i % kChunks * kSize;
    const T* const from = row_at(row);
    const bool there = from && d < depth;
    copy_16(to + row * (kDepth + kPad<T>)+d, there ? from + d : somewhere, there);
  }
}

template <typename T, int kRows, int kDepth>
LAMINA_DEVICE void load_keys(T* keys, T* values, const KeyTile& tile, const Head<T>& head) {
  constexpr int kSize = 16 / sizeof(T), kChunks = kDepth / kSize;
  for (int i = thread(); i < kRows * kChunks; i += kThreads) {
    const int row = i / kChunks, d = i % kChunks * kSize, at = row * (kDepth + kPad<T>)+d;
    const bool there = tile.holds(row) && d < head.depth;
    const int token = there ? tile.token(row) : 0;
    copy_16(keys + at, head.key(token) + (there ? d : 0), there);
    copy_16(values + at, head.value(token) + (there ? d : 0), there);
  }
}

template <typename T, int kRows, int kDepth>
LAMINA_DEVICE void load_queries(T* to, int first, const Head<T>& head) {
  load_rows<T, kRows, kDepth>(
      to, [&](int i) { return first + i < head.queries ? head.query(first + i) : nullptr; }, head.depth, head.qkv);
}

template <typename T, int kRows, int kDepth>
LAMINA_DEVICE void load_results(T* to, const void* results, int first, const Head<T>& head) {
  const T* const begin = static_cast<const T*>(results);
  load_rows<T, kRows, kDepth>(
      to, [&](int i) { return first + i < head.queries ? begin + head.result(first + i) : nullptr; }, head.depth,
      begin);
}

/// Terms of relative position of kQueries queries and a tile's keys, in units of log2. Lanes go over queries and
/// columns in either order; strides keep them out of each other's banks, and being constants they cost no registers.
template <int kQueries, int kStride>
struct PositionTerms {
  float *by_height, *by_width;  ///< [rows, kQueries], [kQueries, kStride]
  int rows;

  LAMINA_DEVICE float at(int query, int row, int column) const {
    return by_height[row * kQueries + query] + by_width[query * kStride + column];
  }

  /// Starts to copy those of queries from `first` on.
  template <typename T>
  LAMINA_DEVICE void load_by_height(const float* products, int first, int first_row, const Head<T>& head) const {
    for (int i = thread(); i < kQueries * rows; i += kThreads) {
      const int query = first + i % kQueries, row = first_row + i / kQueries;
      const bool there = query < head.queries && row < head.height;
      copy_4(by_height + i, there ? products + head.by_height(query) + row : products, there);
    }
  }

  /// A warp takes a query at a time.
  template <typename T>
  LAMINA_DEVICE void load_by_width(const float* products, int first, const KeyTile& tile, const Head<T>& head) const {
    int x = (first + warp()) % head.area_width;  // of the query
    for (int query = warp(); query < kQueries; query += kThreads / kWarp) {
      const float* const from = products + head.by_width(first + query, x) + tile.first_column;
      for (int column = lane(); column < tile.columns; column += kWarp) {
        const bool there = first + query < head.queries && tile.first_column + column < head.width;
        copy_4(by_width + query * kStride + column, there ? from + column : products, there);
      }
      for (x += kThreads / kWarp; x >= head.area_width;) x -= head.area_width;
    }
  }
};

/// Queries are the rows of a product (keys its columns), or the reverse.
template <int kKeys>
using TermsOfRows = PositionTerms<kOwnRows, kKeys + 8>;
template <int kQueries>
using TermsOfColumns = PositionTerms<kQueries, kOwnRows + 4>;

/// Hands out shared memory, 16 bytes aligned. Without memory it counts what is asked for.
class Shared {
 public:
  LAMINA_HOST_DEVICE explicit Shared(unsigned char* memory) : begin_(reinterpret_cast<uintptr_t>(memory)) {}
  template <typename T>
  LAMINA_HOST_DEVICE T* take(int count) {
    T* const taken = reinterpret_cast<T*>(begin_ + used_);
    used_ += (static_cast<size_t>(count) * sizeof(T) + 15) / 16 * 16;
    return taken;
  }
  template <typename T, int kDepth>
  LAMINA_HOST_DEVICE T* take_rows(int rows) {
    return take<T>(rows * (kDepth + kPad<T>));
  }
  template <int kQueries, int kStride>
  LAMINA_HOST_DEVICE void take(const KeyCut& cut, PositionTerms<kQueries, kStride>& terms) {
    terms.rows = cut.rows;
    terms.by_height = take<float>(kQueries * cut.rows);
    terms.by_width = take<float>(kQueries * kStride);
  }
  LAMINA_HOST_DEVICE size_t used() const { return used_; }

 private:
  uintptr_t begin_;
  size_t used_ = 0;
};

/// Bytes that a kernel's tiles take on a grid of keys.
template <typename Tiles>
size_t shared_bytes(const AttentionCall& call) {
  Shared shared(nullptr);
  Tiles(shared, KeyCut(static_cast<int>(call.height), static_cast<int>(call.width), Tiles::kTileKeys));
  return shared.used();
}

/// A lane's columns of a tile of keys, or of queries: 2 of each 8.
LAMINA_DEVICE int column_of(int n, int e) { return n * kTileColumns + 2 * (lane() % 4) + e % 2; }
/// A lane's rows among the block's own 64.
LAMINA_DEVICE int own_row(int half) { return warp() * kWarpRows + lane() / 4 + half * 8; }

/// Where a lane's columns lie within a tile of keys: row * 2^16 + column.
template <int kTiles>
struct KeyPlaces {
  int place[kTiles][2];

  LAMINA_DEVICE explicit KeyPlaces(int columns) {
    LAMINA_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      LAMINA_UNROLL
      for (int e = 0; e < 2; ++e) place[n][e] = column_of(n, e) / columns << 16 | column_of(n, e) % columns;
    }
  }
  LAMINA_DEVICE int row(int n, int e) const { return place[n][e % 2] >> 16; }
  LAMINA_DEVICE int column(int n, int e) const { return place[n][e % 2] & 0xffff; }
  LAMINA_DEVICE bool inside(int n, int e, const KeyTile& tile) const {
    return column_of(n, e) < tile.count && tile.first_column + column(n, e) < tile.width;
  }
};

/// One of a lane's two rows of a result, times `factor`, to `to` [depth].
template <typename T, int kDepth>
LAMINA_DEVICE void write_row(const Sums<kDepth / 8>& sum, int half, float factor, int depth, T* to) {
  LAMINA_UNROLL
  for (int n = 0; n < kDepth / 8; ++n) {
    const int d = column_of(n, 0);
    if (d >= depth) continue;
    to[d] = from_float<T>(sum[n][2 * half] * factor);
    to[d + 1] = from_float<T>(sum[n][2 * half + 1] * factor);
  }
}

}  // namespace lamina::cuda
