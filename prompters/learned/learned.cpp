// Prompts that are parameters: the same for every slice of every case.
#include "learned.hpp"

#include <lamina/nn/boxes.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr double kTokenSpread = 0.02;  // as position tables start

// The same rows for each of `slices` slices: [Q, ...] -> [slices*Q, ...].
torch::Tensor for_every_slice(const torch::Tensor& rows, int64_t slices) {
  if (!rows.defined()) return rows;
  std::vector<int64_t> repeats(static_cast<size_t>(rows.dim()), 1);
  repeats[0] = slices;
  return rows.repeat(repeats);
}

}  // namespace

void LearnedOptions::bind(OptionBinder& o) {
  o.field("queries", queries, "Prompts per slice", AtLeast{1});
  o.field("boxes", boxes, "Every query has a learned box");
  o.field("tokens", tokens, "Learned prompt embeddings of every query beside its box", AtLeast{0});
  o.field("class_tokens", class_tokens, "Every query has a learned class token, for decoders that classify queries");
}

void LearnedOptions::check(OptionErrors& errors, const std::string& where) const {
  if (!boxes && tokens == 0 && !class_tokens)
    errors.add(where + ".boxes", "is false, tokens is 0 and class_tokens is false: nothing is left to learn");
}

Learned::Learned(const Options& options, const PrompterContext& context)
    : queries_(options.queries), patch_(context.patch) {
  if (options.boxes) boxes_ = register_parameter("boxes", torch::randn({queries_, 4}));
  if (options.tokens == 0 && !options.class_tokens) return;
  const int64_t width = image_embedding(context.features, "model.prompter: 'learned' with tokens").channels;
  if (options.tokens > 0)
    sparse_ = register_parameter("sparse", torch::randn({queries_, options.tokens, width}) * kTokenSpread);
  if (options.class_tokens)
    class_tokens_ = register_parameter("class_tokens", torch::randn({queries_, 1, width}) * kTokenSpread);
}

PromptSpec Learned::produces() const {
  PromptSpec spec{{}, queries_};
  if (boxes_.defined()) spec.kinds.insert(PromptKind::Boxes);
  if (sparse_.defined()) spec.kinds.insert(PromptKind::Sparse);
  if (class_tokens_.defined()) spec.kinds.insert(PromptKind::ClassTokens);
  return spec;
}

torch::Tensor Learned::pixels() const {
  if (!boxes_.defined()) return {};
  const auto width = static_cast<float>(patch_[2]), height = static_cast<float>(patch_[1]);
  const torch::Tensor extent = torch::tensor({width, height, width, height}, boxes_.options());
  return nn::boxes_of_fractions(boxes_.sigmoid()) * extent;
}

Streams<Prompts> Learned::prompt(Scene& scene) {
  Streams<Prompts> result;
  for (const auto& [stream, image] : scene.batch().images) {
    const int64_t slices = image.size(0) * image.size(2);
    const auto index = torch::TensorOptions(torch::kInt64).device(image.device());
    Prompts prompts;
    prompts.image_index = torch::arange(slices, index).repeat_interleave(queries_);
    prompts.class_id = torch::full({slices * queries_}, -1, index);
    prompts.boxes = for_every_slice(pixels(), slices);
    prompts.sparse = for_every_slice(sparse_, slices);
    prompts.class_tokens = for_every_slice(class_tokens_, slices);
    result.set(stream, std::move(prompts));
  }
  return result;
}

}  // namespace lamina
