// For tests of prompters that look at labels: batches with labels drawn by hand, and what a prompter makes of them.
#pragma once

#include "decoder_test.hpp"

#include <string>

namespace lamina::testing {

/// Noise with these labels [B, 1, D, H, W]; samples are numbered from `first_sample`.
inline Batch labelled(const torch::Tensor& labels, int64_t first_sample = 0) {
  Batch batch = noise_batch(labels.size(0), 1, {labels.size(2), labels.size(3), labels.size(4)}, 2);
  batch.labels.set(kPrimaryStream, labels);
  for (int64_t& sample : batch.sample) sample += first_sample;
  return batch;
}

/// A model of cells of 8 x 8 pixels, sam_mask and a prompter for patches of this label's size. `prompter` is its entry.
inline std::shared_ptr<Model> prompted_model(const std::string& prompter, const torch::Tensor& labels,
                                             int64_t classes = 4) {
  return decoder_model(R"("decoder": {"type": "sam_mask", "heads": 3, "mlp_channels": 40}, "prompter": )" + prompter,
                       {1, classes, {labels.size(2), labels.size(3), labels.size(4)}});
}

struct Draw {
  Mode mode = Mode::Infer;
  uint64_t seed = 0;
  int64_t epoch = 0;
};

/// What the model's prompter makes of a batch.
inline Prompts prompts_for(Model& model, Batch batch, const Draw& draw = {}) {
  Session session(model, draw.mode, draw.seed, draw.epoch);
  session.encode(std::move(batch));
  return session.prompt().primary();
}

/// The same for labels alone.
inline Prompts prompts_for(const std::string& prompter, const torch::Tensor& labels, const Draw& draw = {}) {
  return prompts_for(*prompted_model(prompter, labels), labelled(labels), draw);
}

/// Rows of a tensor as numbers.
inline std::vector<std::vector<double>> rows_of(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.flatten(1).to(torch::kFloat64).contiguous();
  std::vector<std::vector<double>> rows;
  for (int64_t row = 0; row < flat.size(0); ++row) {
    const double* begin = flat[row].data_ptr<double>();
    rows.emplace_back(begin, begin + flat.size(1));
  }
  return rows;
}

inline std::vector<int64_t> integers_of(const torch::Tensor& tensor) {
  const torch::Tensor dense = tensor.to(torch::kInt64).contiguous();
  return {dense.data_ptr<int64_t>(), dense.data_ptr<int64_t>() + dense.numel()};
}

}  // namespace lamina::testing
