// The backward, for any kind of operand: weights are computed again, tile by tile, from what the forward kept.
//
// With P the weights, S the scores, dO the result's gradient and delta = rowsum(dO * O), all [key][query]:
//   dS = P * (V dO' - delta),  dV += P dO,  dK += dS Q / sqrt(depth),  dQ' += K' dS / sqrt(depth).
// dS summed over the keys of one grid row (or column) is the gradient of what relative position added there: its rows,
// shifted by the query's place, are the gradient G of the products of queries with the turned table T, so that
//   dT' += Q' G  and  dQ += G T.
#pragma once

#include "position.inl"

namespace lamina::nn::panel {
namespace {

template <class Kind, class Product>
class Backward {
 public:
  typedef typename Kind::Element Element;
  typedef typename Kind::Word Word;
  static constexpr long kWords = kQueries / Kind::kPerWord;  // that a panel's queries make in a row
  static constexpr long kQueryStep =
      Kind::kWordStep * Kind::kPerWord > kLanes ? Kind::kWordStep* Kind::kPerWord : kLanes;

  Backward(const BackwardCall& call, void* memory)
      : shelf_{reinterpret_cast<unsigned long>(memory)},
        backward_(call),
        call_(call.forward),
        sizes_(call_, kBackwardTileKeys),
        packer_(call_, sizes_, shelf_),
        position_(call_, sizes_, shelf_),
        height_(call_.height, sizes_, shelf_),
        width_(call_.width, sizes_, shelf_),
        keys_(key_words()),
        values_(key_words()),
        key_columns_(key_words()),
        grad_keys_(shelf_.take<float>(key_floats())),
        grad_values_(shelf_.take<float>(key_floats())),
        queries_(shelf_, sizes_),
        grads_(shelf_, sizes_),
        results_(shelf_.take<Word>(kQueries * sizes_.row_words())),
        query_columns_(shelf_.take<Word>(sizes_.depth * kWords)),
        weights_(shelf_.take<float>(sizes_.tile * kQueries)),
        grad_scores_(shelf_.take<float>(sizes_.tile * kQueries)),
        rows_(shelf_.take<Word>(at_least(sizes_.tile, widest()) * kQueries)),
        columns_(shelf_.take<Word>(at_least(sizes_.tile, widest()) * kQueries)),
        products_grad_(shelf_.take<float>(widest() * kQueries)),
        grad_query_columns_(shelf_.take<float>(sizes_.depth * kQueries)),
        grad_query_rows_(shelf_.take<float>(sizes_.depth * kQueries)),
        turned_(shelf_.take<float>(sizes_.depth * kQueries)),
        normal_(shelf_.take<float>(kQueries)),
        delta_(shelf_.take<float>(kQueries)) {}

  unsigned long bytes() const { return shelf_.used; }

  void run() {
    position_.pack(packer_);
    height_.pack(packer_, call_.table_height, columns_);
    width_.pack(packer_, call_.table_width, columns_);
    packer_.key_rows(call_.keys, call_.outside_key, keys_);
    packer_.key_rows(call_.values, call_.outside_value, values_);
    packer_.key_columns(call_.keys, call_.outside_key, key_columns_);
    clear(grad_keys_, key_floats());
    clear(grad_values_, key_floats());
    for (long query = 0, width = 0; query < call_.count; query += width) {
      width = next_panel(call_.count - query, kQueryStep);
      panel(query, width);
    }
    write_keys(grad_keys_, scale(), backward_.grad_keys, backward_.grad_outside_key);
    write_keys(grad_values_, 1, backward_.grad_values, backward_.grad_outside_value);
    height_.add_to(backward_.grad_table_height, call_.depth);
    width_.add_to(backward_.grad_table_width, call_.depth);
  }

 private:
  /// One tensor's rows of a panel, as every operand that the products need.
  struct Rows {
    Rows(Shelf& shelf, const Sizes<Kind>& sizes)
        : rows(shelf.take<Word>(kQueries * sizes.row_words())),
          columns(shelf.take<Word>(kQueries * sizes.row_words())),
          pairs(shelf.take<Word>(kQueries * sizes.depth)) {}
    Word *rows, *columns, *pairs;  // [query][depth words], [depth words][query], [query words][depth]
    const Word* along_queries;     // pairs, or rows where a word is one element
  };

  /// What belongs to one of the grid's axes.
  struct Axis {
    Axis(long length, const Sizes<Kind>& shapes, Shelf& shelf)
        : size(length),
          columns(table_columns(length)),
          sizes(shapes),
          rows(shelf.take<Word>(columns * shapes.row_words())),
          grad_scores(shelf.take<float>(round_up(length, kLanes) * kQueries)),
          grad_table(shelf.take<float>(shapes.depth * columns)) {}

    void pack(const Packer<Kind>& packer, const float* table, Word* scratch) {
      packer.table_rows(table, size, 0, columns, reinterpret_cast<Element*>(scratch));
      const Word* const packed =
          Kind::pairs_of(reinterpret_cast<const Element*>(scratch), sizes.depth, columns, sizes.depth, rows);
      if (packed != rows) __builtin_memcpy(rows, packed, static_cast<unsigned long>(columns * sizes.row_words()) * 4);
      clear(grad_table, sizes.depth * columns);
    }

    /// The table's rows run the other way.
    void add_to(float* table, long depth) const {
      for (long d = 0; d < depth; ++d) {
        for (long row = 0; row < 2 * size - 1; ++row)
          table[(2 * size - 2 - row) * depth + d] += grad_table[d * columns + row];
      }
    }

    const long size, columns;
    const Sizes<Kind>& sizes;
    Word* rows;          // the turned table: [its rows, in words][depth]
    float* grad_scores;  // [size][kQueries], summed over the other axis
    float* grad_table;   // of the turned table, [depth][columns]
  };

  Word* key_words() { return shelf_.take<Word>(sizes_.tiles * sizes_.tile * sizes_.row_words()); }
  long key_floats() const { return sizes_.tiles * sizes_.tile * sizes_.depth; }
  long widest() const { return at_least(height_.columns, width_.columns); }
  float scale() const { return 1 / __builtin_sqrtf(static_cast<float>(call_.depth)); }

  void panel(long query, long valid) {
    count_ = round_up(valid, kQueryStep);
    vectors_ = count_ / kLanes;
    const Places places(call_, query, valid);
    pack(call_.queries, call_.row_step, call_.token_step, query, valid, queries_);
    pack(backward_.grad_result, call_.result_row_step, call_.result_token_step, query, valid, grads_);
    transpose_block(queries_.along_queries, sizes_.depth, count_ / Kind::kPerWord, sizes_.depth, query_columns_,
                    kWords);
    take_delta(query, valid);
    position_.compute(queries_.rows, places, vectors_);
    for (long j = 0; j < count_; j += kLanes) position_.lower(load(normal_ + j), j);
    clear(height_.grad_scores, round_up(call_.height, kLanes) * kQueries);
    clear(width_.grad_scores, round_up(call_.width, kLanes) * kQueries);
    clear(grad_query_columns_, sizes_.depth * kQueries);
    for (long key = 0; key < sizes_.keys; key += sizes_.tile) tile(key);
    through_table(height_, places.rows, false);
    through_table(width_, places.columns, true);
    write_queries_gradient(query, valid);
  }

  void pack(const void* first, long row_step, long token_step, long query, long valid, Rows& to) {
    Element* const rows = reinterpret_cast<Element*>(to.rows);
    packer_.query_rows(first, row_step, token_step, query, valid, count_, rows);
    transpose_block(to.rows, sizes_.row_words(), count_, sizes_.row_words(), to.columns, kQueries);
    to.along_queries = Kind::pairs_of(rows, sizes_.depth, count_, sizes_.depth, to.pairs);
  }

  /// delta, and the forward's normal; zeros in lanes without a query.
  void take_delta(long query, long valid) {
    Element* const results = reinterpret_cast<Element*>(results_);
    packer_.query_rows(call_.result, call_.result_row_step, call_.result_token_step, query, valid, count_, results);
    const Element* const grads = reinterpret_cast<const Element*>(grads_.rows);
    for (long i = 0; i < count_; ++i) {
      Vec sum{};
      for (long d = 0; d < sizes_.depth; d += kLanes)
        sum += Kind::widen(results + i * sizes_.depth + d) * Kind::widen(grads + i * sizes_.depth + d);
      delta_[i] = 0;
      for (int lane = 0; lane < kLanes; ++lane) delta_[i] += sum[lane];
      normal_[i] = i < valid ? call_.normal[query + i] : 0;
    }
  }

  void tile(long key) {
    const long padded = sizes_.padded(key), step = sizes_.row_words();
    Product::product(keys_ + key * step, step, queries_.columns, kQueries, weights_, kQueries, padded, vectors_,
                     sizes_.depth_words, false);
    Product::product(values_ + key * step, step, grads_.columns, kQueries, grad_scores_, kQueries, padded, vectors_,
                     sizes_.depth_words, false);
    for (long j = 0; j < count_; j += kLanes) differentiate_softmax(key, padded, j);
    const long words = count_ / Kind::kPerWord;
    const Word* rows = Kind::rows_of(weights_, kQueries, padded, count_, rows_);
    Product::product(rows, kWords, grads_.along_queries, sizes_.depth, grad_values_ + key * sizes_.depth, sizes_.depth,
                     padded, sizes_.depth_vectors, words, true);
    rows = Kind::rows_of(grad_scores_, kQueries, padded, count_, rows_);
    Product::product(rows, kWords, queries_.along_queries, sizes_.depth, grad_keys_ + key * sizes_.depth, sizes_.depth,
                     padded, sizes_.depth_vectors, words, true);
    const Word* const columns = Kind::columns_of(grad_scores_, kQueries, padded, count_, columns_);
    Product::product(key_columns_ + key / Kind::kPerWord * sizes_.depth, sizes_.tile_words(), columns, kQueries,
                     grad_query_columns_, kQueries, sizes_.depth_rows, vectors_, padded / Kind::kPerWord, true);
  }

  /// Scores become weights, and their counterparts the scores' gradient; keys behind the last get zeros.
  __attribute__((noinline)) void differentiate_softmax(long key, long padded, long j) {
    const Vec factor = Vec{} + scale() * kLog2E, delta = load(delta_ + j);
    const long valid = at_most(padded, sizes_.keys - key);
    float *weight = weights_ + j, *grad = grad_scores_ + j;
    long row = key / call_.width, column = key - row * call_.width;
    Vec row_sum{};
    for (long k = 0; k < valid; ++k, weight += kQueries, grad += kQueries) {
      const Vec p = power_of_two<Kind::kRough>(load(weight) * factor + position_.term(row, column, j));
      const Vec slope = p * (load(grad) - delta);
      store(weight, p);
      store(grad, slope);
      float* const along = width_.grad_scores + column * kQueries + j;
      store(along, load(along) + slope);
      row_sum += slope;
      if (++column == call_.width || k + 1 == valid) {
        float* const down = height_.grad_scores + row * kQueries + j;
        store(down, load(down) + row_sum);
        row_sum = Vec{};
        column = 0, ++row;
      }
    }
    for (long k = valid; k < padded; ++k, weight += kQueries, grad += kQueries) {
      store(weight, Vec{});
      store(grad, Vec{});
    }
  }

  /// The gradient of an axis' products goes to its table and, `add`ed, to the queries.
  void through_table(Axis& axis, const long* positions, bool add) {
    clear(products_grad_, count_ * axis.columns);
    long low = positions[0], high = low;
    for (long i = 0; i < count_; i += kLanes) {
      for (long k = 0; k < axis.size; k += kLanes) {
        Vec square[kLanes];
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) square[r] = load(axis.grad_scores + (k + r) * kQueries + i);
        transpose(square);
        for (int r = 0; r < kLanes; ++r) {
          const long at = positions[i + r];
          low = at_most(low, at);
          high = at_least(high, at);
          store_loose(products_grad_ + (i + r) * axis.columns + k + axis.size - 1 - at, square[r]);
        }
      }
    }
    const long begin = (axis.size - 1 - high) / (2 * kLanes) * (2 * kLanes);
    const long columns = round_up(2 * axis.size - 1 - low, 2 * kLanes) - begin;
    const Word* const right = Kind::columns_of(products_grad_ + begin, axis.columns, count_, columns, columns_);
    Product::product(query_columns_, kWords, right, axis.columns, axis.grad_table + begin, axis.columns,
                     sizes_.depth_rows, columns / kLanes, count_ / Kind::kPerWord, true);
    const Word* const left = Kind::rows_of(products_grad_ + begin, axis.columns, count_, columns, rows_);
    Product::product(left, axis.columns / Kind::kPerWord, axis.rows + begin / Kind::kPerWord * sizes_.depth,
                     sizes_.depth, grad_query_rows_, sizes_.depth, count_, sizes_.depth_vectors,
                     columns / Kind::kPerWord, add);
  }

  void write_queries_gradient(long query, long valid) {
    transpose_block(grad_query_columns_, kQueries, sizes_.depth, count_, turned_, sizes_.depth);
    for (long i = 0; i < valid * sizes_.depth; i += kLanes)
      store(turned_ + i, load(turned_ + i) * scale() + load(grad_query_rows_ + i));
    write_queries<Kind>(call_, turned_, sizes_.depth, query, valid, backward_.grad_queries, call_.row_step,
                        call_.token_step);
  }

  void write_keys(float* gradient, float factor, void* to, float* outside) const {
    long row = 0, column = 0;
    for (long key = 0; key < sizes_.keys; ++key) {
      float* const from = gradient + key * sizes_.depth;
      for (long d = 0; d < sizes_.depth; d += kLanes) store(from + d, load(from + d) * factor);
      if (row < call_.inside_height && column < call_.inside_width) {
        write_row<Kind>(from, call_.depth,
                        static_cast<Element*>(to) + row * call_.row_step + column * call_.token_step);
      } else {
        for (long d = 0; d < call_.depth; ++d) outside[d] += from[d];
      }
      if (++column == call_.width) column = 0, ++row;
    }
  }

  Shelf shelf_;
  const BackwardCall& backward_;
  const Call& call_;
  const Sizes<Kind> sizes_;
  const Packer<Kind> packer_;
  const Position<Kind, Product> position_;
  Axis height_, width_;
  Word *keys_, *values_, *key_columns_;
  float *grad_keys_, *grad_values_;
  Rows queries_, grads_;
  Word *results_, *query_columns_;
  float *weights_, *grad_scores_;
  Word *rows_, *columns_;
  float *products_grad_, *grad_query_columns_, *grad_query_rows_, *turned_, *normal_, *delta_;
  long count_ = 0, vectors_ = 0;  // queries of the panel, with those that fill its last word; in vectors
};

template <class Kind, class Product>
unsigned long backward_bytes(const Call& call) {
  BackwardCall shapes{};
  shapes.forward = call;
  return Backward<Kind, Product>(shapes, nullptr).bytes();
}

template <class Kind, class Product>
void backward(const BackwardCall& call) {
  Product::begin();
  Backward<Kind, Product>(call, call.forward.workspace).run();
  Product::end();
}

}  // namespace
}  // namespace lamina::nn::panel
