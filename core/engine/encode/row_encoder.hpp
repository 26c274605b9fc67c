// Runs forwards of a model with a frozen encoder: row by row, without gradient, from the disk where it was there
// before.
#pragma once

#include "engine/encode/feature_cache.hpp"

#include <lamina/data/batch.hpp>
#include <lamina/model/model.hpp>

#include <memory>

namespace lamina::engine {

/// A row's features must not depend on which rows are encoded beside it, to the last bit: matrix products round
/// differently with other numbers of rows. So each row is encoded alone, with and without a cache.
class RowEncoder {
 public:
  /// Without a cache everything is computed.
  explicit RowEncoder(std::unique_ptr<FeatureCache> cache) : cache_(std::move(cache)) {}

  /// Encode, prompt, decode. The batch lies where the model lies.
  Prediction forward(Model& model, Mode mode, Batch batch, uint64_t seed, int64_t epoch) const;

  int64_t computed() const { return computed_; }  ///< rows that the encoder ran for
  int64_t found() const { return found_; }        ///< rows that came from the cache
  const FeatureCache* cache() const { return cache_.get(); }

 private:
  Streams<Features> row(Model& model, const Batch& batch, int64_t index) const;
  Streams<Features> encode(Model& model, const Batch& batch) const;

  std::unique_ptr<FeatureCache> cache_;
  mutable int64_t computed_ = 0, found_ = 0;
};

/// As lamina::forward where `rows` is null.
Prediction forward(Model& model, Mode mode, Batch batch, uint64_t seed, int64_t epoch, const RowEncoder* rows);

}  // namespace lamina::engine
