// The forward, for any kind of operand.
//
// Queries lie in the lanes: scores are [key][query], so that maximum, sum, rescaling and both terms of relative
// position are plain vertical operations. A panel of queries goes over the keys in tiles whose weights stay in the
// first cache:
//   scores of some keys -> exp2 -> weights [key][query] -> result [depth][query].
// The exponents' reference is the largest score of the first keys; a tile is done again, rescaled, only where a score
// is more than 2^kHighest above it. Everything is in units of log2.
#pragma once

#include "position.inl"

namespace lamina::nn::panel {
namespace {

constexpr float kHighest = 64;  // exponent above the reference that is still exact enough

template <class Kind, class Product>
class Forward {
 public:
  typedef typename Kind::Element Element;
  typedef typename Kind::Word Word;

  Forward(const Call& call, void* memory)
      : shelf_{reinterpret_cast<unsigned long>(memory)},
        call_(call),
        sizes_(call, kTileKeys),
        packer_(call, sizes_, shelf_),
        position_(call, sizes_, shelf_),
        keys_(shelf_.take<Word>(sizes_.tiles * sizes_.tile * sizes_.row_words())),
        values_(shelf_.take<Word>(sizes_.tiles * sizes_.tile * sizes_.row_words())),
        query_rows_(shelf_.take<Word>(kQueries * sizes_.row_words())),
        queries_(shelf_.take<Word>(kQueries * sizes_.row_words())),
        scores_(shelf_.take<float>(kBlockKeys * kQueries)),
        weights_(shelf_.take<Word>(sizes_.tile * kQueries)),
        result_(shelf_.take<float>(round_up(sizes_.depth_rows, kLanes) * kQueries)),
        turned_(shelf_.take<float>(round_up(sizes_.depth_rows, kLanes) * kQueries)),
        reference_(shelf_.take<float>(kQueries)),
        sum_(shelf_.take<float>(kQueries)),
        highest_(shelf_.take<float>(kQueries)),
        tile_sum_(shelf_.take<float>(kQueries)) {}

  unsigned long bytes() const { return shelf_.used; }

  void run() {
    if (!call_.same_tables) position_.pack(packer_);
    if (!call_.same_head) {
      packer_.key_rows(call_.keys, call_.outside_key, keys_);
      packer_.key_columns(call_.values, call_.outside_value, values_);
    }
    const long end = call_.first + call_.count;
    for (long query = call_.first, width = 0; query < end; query += width) {
      width = next_panel(end - query, kLanes);
      panel(query, width);
    }
  }

 private:
  void panel(long query, long valid) {
    vectors_ = (valid + kLanes - 1) / kLanes;
    Element* const rows = reinterpret_cast<Element*>(query_rows_);
    packer_.query_rows(call_.queries, call_.row_step, call_.token_step, query, valid, vectors_ * kLanes, rows);
    transpose_block(query_rows_, sizes_.row_words(), vectors_ * kLanes, sizes_.row_words(), queries_, kQueries);
    position_.compute(query_rows_, Places(call_, query, valid), vectors_);
    take_reference();
    for (long key = 0; key < sizes_.keys; key += sizes_.tile) tile(key);
    unpack(query, valid);
  }

  /// q.k / sqrt(depth) * log2(e) is a product times this.
  float scale() const { return kLog2E / __builtin_sqrtf(static_cast<float>(call_.depth)); }

  void take_reference() {
    const long first = at_least(Kind::kRowStep, 4), count = at_most(first, sizes_.keys);
    score(0, round_up(count, Kind::kRowStep), scores_);
    for (long j = 0; j < vectors_ * kLanes; j += kLanes) {
      Vec highest = Vec{} - 1e30F;
      for (long key = 0; key < count; ++key) {
        const long row = key / call_.width;
        highest = larger(
            highest, load(scores_ + key * kQueries + j) * scale() + position_.term(row, key - row * call_.width, j));
      }
      position_.lower(highest, j);
      store(reference_ + j, highest);
      store(sum_ + j, Vec{});
    }
    clear(result_, sizes_.depth_rows * kQueries);
  }

  void score(long key, long count, float* to) const {
    Product::product(keys_ + key * sizes_.row_words(), sizes_.row_words(), queries_, kQueries, to, kQueries, count,
                     vectors_, sizes_.depth_words, false);
  }

  void tile(long key) {
    const long padded = sizes_.padded(key);
    weigh(key, padded);
    if (too_high()) {
      rescale();
      weigh(key, padded);
    }
    for (long j = 0; j < vectors_ * kLanes; j += kLanes) store(sum_ + j, load(sum_ + j) + load(tile_sum_ + j));
    Product::product(values_ + key / Kind::kPerWord * sizes_.depth, sizes_.tile_words(), weights_, kQueries, result_,
                     kQueries, sizes_.depth_rows, vectors_, padded / Kind::kPerWord, true);
  }

  /// Weights of a tile's keys, their sum, and the highest exponent.
  void weigh(long key, long padded) {
    for (long j = 0; j < kQueries; j += kLanes) {
      store(highest_ + j, Vec{} - 1e30F);
      store(tile_sum_ + j, Vec{});
    }
    for (long k = 0; k < padded; k += kBlockKeys) {
      const long count = at_most(kBlockKeys, padded - k);
      score(key + k, count, scores_);
      for (long j = 0; j < vectors_ * kLanes; j += kLanes)
        weigh_block(key + k, count, j, weights_ + k / Kind::kPerWord * kQueries + j);
    }
  }

  /// Two keys at a time; keys behind the last get the weight 0.
  __attribute__((noinline)) void weigh_block(long key, long count, long j, Word* weights) {
    const Vec factor = Vec{} + scale();
    const float* from = scores_ + j;
    Vec highest = load(highest_ + j), sum = load(tile_sum_ + j);
    long row = key / call_.width, column = key - row * call_.width;
    const auto next = [&] {
      const Vec score = load(from) * factor + position_.term(row, column, j);
      from += kQueries;
      if (++column == call_.width) column = 0, ++row;
      highest = larger(highest, score);
      const Vec weight = power_of_two<Kind::kRough>(score);
      sum += weight;
      return weight;
    };
    const long valid = at_least(0, at_most(count, sizes_.keys - key));
    long k = 0;
    for (; k + 2 <= valid; k += 2) {
      const Vec first = next(), second = next();
      Kind::store_words(weights, kQueries, first, second);
      weights += 2 / Kind::kPerWord * kQueries;
    }
    for (; k < count; k += 2) {
      const Vec first = k < valid ? next() : Vec{};
      Kind::store_words(weights, kQueries, first, Vec{});
      weights += 2 / Kind::kPerWord * kQueries;
    }
    store(highest_ + j, highest);
    store(tile_sum_ + j, sum);
  }

  bool too_high() const {
    for (long lane = 0; lane < vectors_ * kLanes; ++lane) {
      if (highest_[lane] > kHighest) return true;
    }
    return false;
  }

  /// Makes the tile's highest score the reference, where it is above the old one.
  void rescale() {
    for (long j = 0; j < vectors_ * kLanes; j += kLanes) {
      const Vec above = larger(load(highest_ + j), Vec{}), factor = power_of_two<false>(Vec{} - above);
      position_.lower(above, j);
      store(reference_ + j, load(reference_ + j) + above);
      store(sum_ + j, load(sum_ + j) * factor);
      for (long d = 0; d < sizes_.depth_rows; ++d) {
        float* const at = result_ + d * kQueries + j;
        store(at, load(at) * factor);
      }
    }
  }

  void unpack(long query, long valid) {
    for (long j = 0; j < vectors_ * kLanes; j += kLanes) {
      const Vec factor = 1.0F / load(sum_ + j);
      for (long d = 0; d < sizes_.depth_rows; ++d) {
        float* const at = result_ + d * kQueries + j;
        store(at, load(at) * factor);
      }
    }
    const long step = round_up(sizes_.depth_rows, kLanes);
    transpose_block(result_, kQueries, step, vectors_ * kLanes, turned_, step);
    write_queries<Kind>(call_, turned_, step, query, valid, call_.result, call_.result_row_step,
                        call_.result_token_step);
    if (!call_.normal) return;
    for (long i = 0; i < valid; ++i) call_.normal[query + i] = reference_[i] + __builtin_log2f(sum_[i]);
  }

  Shelf shelf_;
  const Call& call_;
  const Sizes<Kind> sizes_;
  const Packer<Kind> packer_;
  const Position<Kind, Product> position_;
  Word *keys_, *values_, *query_rows_, *queries_;
  float* scores_;
  Word* weights_;
  float *result_, *turned_, *reference_, *sum_, *highest_, *tile_sum_;
  long vectors_ = 0;
};

template <class Kind, class Product>
unsigned long forward_bytes(const Call& call) {
  return Forward<Kind, Product>(call, nullptr).bytes();
}

template <class Kind, class Product>
void forward(const Call& call) {
  Product::begin();
  Forward<Kind, Product>(call, call.workspace).run();
  Product::end();
}

}  // namespace
}  // namespace lamina::nn::panel
