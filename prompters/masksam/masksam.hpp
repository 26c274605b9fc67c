// MaskSAM's prompt generator: from the encoder's features to masks, boxes and class tokens, one set per query and
// slice.
#pragma once

#include "generator.hpp"
#include "heads.hpp"

#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina {

struct MasksamOptions {
  int64_t queries = 0, dimensions = 3, base_channels = 0, stages = 0;
  std::vector<int64_t> channels, pool;
  std::string skips = "all", extra_taps = "shared", upsample = "transposed";
  std::string mask_prompt = "soft", box = "mean", box_grad = "none", box_norm = "instance", class_token = "sum";
  double mask_bias = 0;
  bool deep_supervision = false;
  std::string compat = "repaired";
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// Prompts of the regular case: N = B*D*Q, ordered (b, d, q). Offers to losses in scene.aux: "prompt.masks" [N, h, w],
/// logits at the generator's finest resolution; with deep_supervision "prompt.masks.<s>", s = 1 the next coarser one;
/// "prompt.boxes" [N, 4], the regressed boxes, x1 y1 x2 y2 in [0, 1].
class Masksam : public Prompter {
 public:
  using Options = MasksamOptions;
  Masksam(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override;
  std::vector<std::string> needs() const override;
  Streams<Prompts> prompt(Scene& scene) override;

 private:
  void make_heads(const std::vector<int64_t>& channels, int64_t embedding);
  Prompts prompt_one(const Features& features, int64_t batch, int64_t depth, const std::string& prefix,
                     TensorDict& aux);
  torch::Tensor as_volume(const torch::Tensor& feature, int64_t batch, int64_t depth) const;
  torch::Tensor masks_of(const torch::Tensor& stage, size_t head);
  torch::Tensor mask_prompt(const torch::Tensor& masks) const;
  torch::Tensor box_prompt(const torch::Tensor& masks, const torch::Tensor& regressed) const;

  Options options_;
  int64_t queries_, width_;
  Size3 patch_;
  std::vector<int64_t> mask_size_;  // 4g: what the prompt encoder takes
  std::vector<std::string> taps_;   // in the order of the stages that take them
  std::unique_ptr<masksam::Generator> generator_;
  std::vector<std::shared_ptr<nn::Conv>> mask_heads_;  // finest first
  std::shared_ptr<masksam::BoxHead> box_head_;         // none where no box is regressed
  std::shared_ptr<masksam::TokenHead> token_head_;     // none where tokens are the decoder's alone, or zeros
};

}  // namespace lamina
