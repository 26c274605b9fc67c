// Sizes of a call in a kernel's own steps, and its tokens and tables laid out as operands.
#pragma once

#include "panel.hpp"
#include "vectors.inl"

namespace lamina::nn::panel {
namespace {

constexpr long kQueries = kMostVectors * kLanes;  // of a panel

/// Step of the depth and of tiles of keys: squares of words are transposed.
template <class Kind>
constexpr long kSquare = kLanes* Kind::kPerWord;

template <class Kind>
struct Sizes {
  Sizes(const Call& call, long most_keys)
      : keys(call.height * call.width),
        depth(round_up(call.depth, kSquare<Kind>)),
        depth_words(round_up((call.depth + Kind::kPerWord - 1) / Kind::kPerWord, Kind::kWordStep)),
        depth_rows(round_up(call.depth, Kind::kRowStep)),
        depth_vectors((call.depth + kLanes - 1) / kLanes),
        tiles((keys + most_keys - 1) / most_keys),
        tile(round_up((keys + tiles - 1) / tiles, kSquare<Kind>)) {}

  long row_words() const { return depth / Kind::kPerWord; }
  long tile_words() const { return tile / Kind::kPerWord; }
  /// Keys of the tile that begins at `key`, with those that fill its last word or tile row.
  long padded(long key) const { return at_most(tile, round_up(keys - key, kKeyStep)); }

  static constexpr long kKeyStep = Kind::kRowStep > Kind::kWordStep* Kind::kPerWord ? Kind::kRowStep
                                   : Kind::kWordStep > 1                            ? Kind::kWordStep* Kind::kPerWord
                                                                                    : 2;
  long keys, depth, depth_words, depth_rows, depth_vectors, tiles, tile;
};

/// Queries of the next panel, `left` being left: as few panels as can be, of nearly the same width in `steps` of
/// queries.
LAMINA_INLINE long next_panel(long left, long step) {
  const long steps = (left + step - 1) / step, most = kQueries / step, panels = (steps + most - 1) / most;
  return at_most(left, (steps + panels - 1) / panels * step);
}

/// Columns of products with a table: its rows, and what a vector reads beyond them.
LAMINA_INLINE long table_columns(long size) { return round_up(2 * size - 1, 2 * kLanes) + 2 * kLanes; }

LAMINA_INLINE const void* element(const void* first, long index, long bytes) {
  return static_cast<const char*>(first) + index * bytes;
}

template <class Kind>
class Packer {
 public:
  typedef typename Kind::Element Element;
  typedef typename Kind::Word Word;
  static constexpr long kRowsAtOnce = 64;

  Packer(const Call& call, const Sizes<Kind>& sizes, Shelf& shelf)
      : call_(call),
        sizes_(sizes),
        rows_(shelf.take<Element>(kRowsAtOnce * sizes.depth)),
        pairs_(shelf.take<Word>(kRowsAtOnce * sizes.depth)) {}

  /// Keys or values as a left operand: [keys, padded][depth].
  void key_rows(const void* first, const void* outside, Word* to) const {
    for (long tile = 0; tile < sizes_.tiles; ++tile) {
      const long key = tile * sizes_.tile;
      gather_keys(first, outside, key, at_most(sizes_.tile, round_up(at_least(sizes_.keys - key, 0), kSquare<Kind>)),
                  reinterpret_cast<Element*>(to + key * sizes_.row_words()));
    }
  }

  /// Keys or values, turned, as a left operand: for each tile [depth][keys].
  void key_columns(const void* first, const void* outside, Word* to) const {
    for (long key = 0; key < sizes_.keys; key += kSquare<Kind>) {
      gather_keys(first, outside, key, kSquare<Kind>, rows_);
      const Word* const pairs = Kind::pairs_of(rows_, sizes_.depth, kSquare<Kind>, sizes_.depth, pairs_);
      const long tile = key / sizes_.tile, inside = (key - tile * sizes_.tile) / Kind::kPerWord;
      transpose_block(pairs, sizes_.depth, kLanes, sizes_.depth,
                      to + tile * sizes_.tile_words() * sizes_.depth + inside, sizes_.tile_words());
    }
  }

  /// A table, last row first, as a right operand: [depth words][table_columns()].
  void table_columns_of(const float* table, long size, Word* to) const {
    const long columns = table_columns(size);
    for (long first = 0; first < columns; first += kSquare<Kind>) {
      table_rows(table, size, first, kSquare<Kind>, rows_);
      transpose_block(rows_, sizes_.row_words(), kSquare<Kind>, sizes_.row_words(), to + first, columns);
    }
  }

  /// Rows `first` ... of the turned table; zeros behind its end.
  void table_rows(const float* table, long size, long first, long count, Element* to) const {
    clear(to, count * sizes_.row_words());
    for (long i = 0; i < count && first + i < 2 * size - 1; ++i) {
      const float* const from = table + (2 * size - 2 - first - i) * call_.depth;
      for (long d = 0; d < call_.depth; ++d) {
        if constexpr (Kind::kPerWord == 1) {
          to[i * sizes_.depth + d] = from[d];
        } else {
          to[i * sizes_.depth + d] = Kind::narrowed(from[d]);
        }
      }
    }
  }

  /// Rows of a tensor of the queries, zeros behind the last: [count][depth].
  void query_rows(const void* first, long row_step, long token_step, long query, long valid, long count,
                  Element* to) const {
    long row = query / call_.area_width, column = query - row * call_.area_width;
    for (long i = 0; i < valid; ++i) {
      copy(element(first, row * row_step + column * token_step, sizeof(Element)), to + i * sizes_.depth);
      if (++column == call_.area_width) column = 0, ++row;
    }
    clear(to + valid * sizes_.depth, (count - valid) * sizes_.row_words());
  }

 private:
  void copy(const void* from, Element* to) const {
    __builtin_memcpy(to, from, static_cast<unsigned long>(call_.depth) * sizeof(Element));
    for (long d = call_.depth; d < sizes_.depth; ++d) to[d] = 0;
  }

  void gather_keys(const void* first, const void* outside, long key, long count, Element* to) const {
    const long valid = at_least(0, at_most(count, sizes_.keys - key));
    long row = key / call_.width, column = key - row * call_.width;
    for (long i = 0; i < valid; ++i) {
      const bool inside = row < call_.inside_height && column < call_.inside_width;
      copy(inside ? element(first, row * call_.row_step + column * call_.token_step, sizeof(Element)) : outside,
           to + i * sizes_.depth);
      if (++column == call_.width) column = 0, ++row;
    }
    clear(to + valid * sizes_.depth, (count - valid) * sizes_.row_words());
  }

  const Call& call_;
  const Sizes<Kind>& sizes_;
  Element* rows_;
  Word* pairs_;
};

template <class Kind>
LAMINA_INLINE void write_row(const float* from, long depth, typename Kind::Element* to) {
  long d = 0;
  for (; d + kLanes <= depth; d += kLanes) Kind::narrow(to + d, load(from + d));
  if (d == depth) return;
  typename Kind::Element rest[kLanes];
  Kind::narrow(rest, load(from + d));
  for (long i = 0; d + i < depth; ++i) to[d + i] = rest[i];
}

/// Writes rows [valid][step] to a tensor of the queries.
template <class Kind>
void write_queries(const Call& call, const float* rows, long step, long query, long valid, void* first, long row_step,
                   long token_step) {
  typedef typename Kind::Element Element;
  long row = query / call.area_width, column = query - row * call.area_width;
  for (long i = 0; i < valid; ++i) {
    write_row<Kind>(rows + i * step, call.depth, static_cast<Element*>(first) + row * row_step + column * token_step);
    if (++column == call.area_width) column = 0, ++row;
  }
}

/// Which rows and columns a panel's queries lie at; lanes behind the last take the last one's.
struct Places {
  Places(const Call& call, long query, long valid) {
    long row = query / call.area_width, column = query - row * call.area_width;
    for (long i = 0; i < kQueries; ++i) {
      rows[i] = row;
      columns[i] = column;
      if (i + 1 < valid && ++column == call.area_width) column = 0, ++row;
    }
  }
  long rows[kQueries], columns[kQueries];
};

}  // namespace
}  // namespace lamina::nn::panel
