// What relative position adds to scores: one product of the queries with each table.
#pragma once

#include "operands.inl"

namespace lamina::nn::panel {
namespace {

/// Both terms of relative position of a panel's queries: [size][kQueries], times log2(e).
template <class Kind, class Product>
class Position {
 public:
  typedef typename Kind::Word Word;

  Position(const Call& call, const Sizes<Kind>& sizes, Shelf& shelf)
      : call_(call),
        sizes_(sizes),
        table_height_(shelf.take<Word>(table_columns(call.height) * sizes.row_words())),
        table_width_(shelf.take<Word>(table_columns(call.width) * sizes.row_words())),
        products_(shelf.take<float>(table_columns(at_least(call.height, call.width)) * kQueries)),
        along_height_(shelf.take<float>(round_up(call.height, kLanes) * kQueries)),
        along_width_(shelf.take<float>(round_up(call.width, kLanes) * kQueries)) {}

  void pack(const Packer<Kind>& packer) const {
    packer.table_columns_of(call_.table_height, call_.height, table_height_);
    packer.table_columns_of(call_.table_width, call_.width, table_width_);
  }

  void compute(const Word* query_rows, const Places& places, long vectors) const {
    one(query_rows, table_height_, call_.height, places.rows, vectors, along_height_);
    one(query_rows, table_width_, call_.width, places.columns, vectors, along_width_);
  }

  Vec term(long row, long column, long j) const {
    return load(along_height_ + row * kQueries + j) + load(along_width_ + column * kQueries + j);
  }

  /// Takes `by` from every score of the queries in the vector at j.
  void lower(Vec by, long j) const {
    for (long row = 0; row < call_.height; ++row) {
      float* const at = along_height_ + row * kQueries + j;
      store(at, load(at) - by);
    }
  }

 private:
  /// Row i of products has the turned table's entry for key k of query i at k - position + size - 1.
  void one(const Word* query_rows, const Word* table, long size, const long* positions, long vectors,
           float* out) const {
    const long columns = table_columns(size), count = vectors * kLanes;
    long low = positions[0], high = low;
    for (long i = 1; i < count; ++i) {
      low = at_most(low, positions[i]);
      high = at_least(high, positions[i]);
    }
    const long begin = (size - 1 - high) / kLanes * kLanes, end = round_up(2 * size - 1 - low, kLanes);
    Product::product(query_rows, sizes_.row_words(), table + begin, columns, products_ + begin, columns, count,
                     (end - begin) / kLanes, sizes_.depth_words, false);
    for (long i = 0; i < count; i += kLanes) {
      for (long k = 0; k < size; k += kLanes) {
        Vec square[kLanes];
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r)
          square[r] = load_loose(products_ + (i + r) * columns + k + size - 1 - positions[i + r]);
        transpose(square);
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) store(out + (k + r) * kQueries + i, square[r] * kLog2E);
      }
    }
  }

  const Call& call_;
  const Sizes<Kind>& sizes_;
  Word *table_height_, *table_width_;
  float *products_, *along_height_, *along_width_;
};

}  // namespace
}  // namespace lamina::nn::panel
