#include "engine/encode/row_encoder.hpp"

#include "engine/experiment/sha256.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/session.hpp>

#include <string_view>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <torch/types.h>

namespace lamina::engine {
namespace {

Streams<torch::Tensor> row_of(const Streams<torch::Tensor>& tensors, int64_t index) {
  Streams<torch::Tensor> row;
  for (const auto& [stream, tensor] : tensors) row.set(stream, tensor.narrow(0, index, 1));
  return row;
}

template <class T>
std::vector<T> row_of(const std::vector<T>& all, int64_t index) {
  if (all.empty()) return {};
  return {all.at(static_cast<size_t>(index))};
}

Batch row_of(const Batch& batch, int64_t index) {
  Batch row;
  row.images = row_of(batch.images, index);
  row.ids = row_of(batch.ids, index);
  row.geometry = row_of(batch.geometry, index);
  row.valid = row_of(batch.valid, index);
  row.sample = row_of(batch.sample, index);
  row.ignore = batch.ignore;
  return row;
}

/// What an image is, wherever it was cut from: names, shapes and voxels of its streams.
std::string key_of(const Streams<torch::Tensor>& images) {
  std::string content;
  for (const auto& [stream, image] : images) {
    const torch::Tensor voxels = image.cpu().contiguous();
    const std::string_view bytes(static_cast<const char*>(voxels.const_data_ptr()), voxels.nbytes());
    content += text(stream, " ", join(image.sizes(), "x"), " ", sha256(bytes), "\n");
  }
  return sha256(content);
}

/// Plain memory, so that what comes from disk and what was just computed are laid out alike.
Features plain(const Features& features) {
  Features made;
  for (const auto& [name, tensor] : features.items()) made.set(name, tensor.contiguous());
  return made;
}

/// Rows one below the other, [B, ...] or [B * D, ...], on the device of the images.
Streams<Features> stacked(const std::vector<Streams<Features>>& rows, const torch::Device& device) {
  Streams<Features> all;
  for (const auto& [stream, first] : rows.front()) {
    Features features;
    for (const auto& [name, tensor] : first.items()) {
      std::vector<torch::Tensor> parts;
      for (const auto& row : rows) parts.push_back(row.at(stream).at(name).to(device));
      features.set(name, torch::cat(parts));
    }
    all.set(stream, std::move(features));
  }
  return all;
}

}  // namespace

Streams<Features> RowEncoder::row(Model& model, const Batch& batch, int64_t index) const {
  Batch one = row_of(batch, index);
  const std::string key = cache_ ? key_of(one.images) : "";
  if (cache_) {
    if (auto known = cache_->find(key)) {
      ++found_;
      return *std::move(known);
    }
  }
  Session session(model, Mode::Infer);
  session.encode(std::move(one));
  if (!session.scene().aux.empty()) {
    throw Error(text("the encoder offers '", session.scene().aux.begin()->first,
                     "' beside its features, which is lost where they are kept"));
  }
  Streams<Features> made;
  for (const auto& [stream, features] : session.scene().features) made.set(stream, plain(features));
  ++computed_;
  if (cache_) cache_->keep(key, made);
  return made;
}

Streams<Features> RowEncoder::encode(Model& model, const Batch& batch) const {
  const at::NoGradGuard no_grad;
  const torch::Tensor& image = batch.images.primary();
  std::vector<Streams<Features>> rows;
  for (int64_t index = 0; index < image.size(0); ++index) rows.push_back(row(model, batch, index));
  return stacked(rows, image.device());
}

Prediction RowEncoder::forward(Model& model, Mode mode, Batch batch, uint64_t seed, int64_t epoch) const {
  Streams<Features> features = encode(model, batch);
  Session session(model, mode, seed, epoch);
  session.inject(std::move(batch), std::move(features));
  return session.decode();
}

Prediction forward(Model& model, Mode mode, Batch batch, uint64_t seed, int64_t epoch, const RowEncoder* rows) {
  if (rows) return rows->forward(model, mode, std::move(batch), seed, epoch);
  return lamina::forward(model, mode, std::move(batch), seed, epoch);
}

}  // namespace lamina::engine
