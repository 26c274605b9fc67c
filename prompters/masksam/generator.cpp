// The upsampling path of MaskSAM's prompt generator: a U-Net's decoder on the features of a ViT, which all have one
// size.
#include "generator.hpp"

#include <algorithm>
#include <numeric>

#include <torch/utils.h>

namespace lamina::masksam {
namespace {

constexpr int64_t kFirstConvolutions = 2;

nn::ConvSpec block_spec(int64_t in, int64_t out, const GeneratorPlan& plan) {
  return {in, out, {plan.dimensions == 3 ? 3 : 1, 3, 3}, {1, 1, 1}};
}

nn::ConvSpec doubling_spec(int64_t in, int64_t out, bool bilinear) {
  const int64_t side = bilinear ? 1 : 2;
  return {in, out, {1, side, side}, {1, side, side}};
}

template <class Part>
void register_list(torch::nn::Module& owner, const std::string& name, const std::vector<std::shared_ptr<Part>>& parts) {
  if (!parts.empty()) owner.register_module(name, nn::make_list({parts.begin(), parts.end()}));
}

}  // namespace

Doubling::Doubling(int64_t in, int64_t out, bool bilinear)
    : Conv(doubling_spec(in, out, bilinear), bilinear ? Direction::Forward : Direction::Transposed),
      bilinear_(bilinear) {}

torch::Tensor Doubling::forward(const torch::Tensor& input) {
  const torch::Tensor x = Conv::forward(input);
  if (!bilinear_) return x;
  // Depth keeps its size, so a trilinear interpolation is bilinear in every slice.
  return at::upsample_trilinear3d(x, {x.size(2), 2 * x.size(3), 2 * x.size(4)}, false);
}

Skip::Skip(int64_t in, int64_t out, int64_t doublings, const GeneratorPlan& plan) {
  std::vector<std::shared_ptr<torch::nn::Module>> parts;
  for (int64_t i = 0; i < doublings; ++i) {
    doublings_.push_back(std::make_shared<Doubling>(i == 0 ? in : out, out, plan.bilinear));
    blocks_.push_back(std::make_shared<nn::ConvBlock>(block_spec(out, out, plan)));
    parts.insert(parts.end(), {doublings_.back(), blocks_.back()});
  }
  for (size_t i = 0; i < parts.size(); ++i) register_module(std::to_string(i), parts[i]);
}

torch::Tensor Skip::forward(torch::Tensor tap) {
  for (size_t i = 0; i < blocks_.size(); ++i) tap = blocks_[i]->forward(doublings_[i]->forward(tap));
  return tap;
}

Generator::Generator(torch::nn::Module& owner, const GeneratorPlan& plan) : plan_(plan) {
  const auto& channels = plan.channels;
  const size_t taps = plan.taps.size(), last = channels.size() - 1;
  stages_.push_back(std::make_shared<nn::ConvStack>(kFirstConvolutions, block_spec(plan.embedding, channels[0], plan)));
  for (size_t s = 1; s < channels.size(); ++s) {
    const bool skip = s <= taps;
    doublings_.push_back(std::make_shared<Doubling>(channels[s - 1], channels[s], plan.bilinear));
    if (skip) skips_.push_back(std::make_shared<Skip>(plan.taps[s - 1], channels[s], static_cast<int64_t>(s), plan));
    stages_.push_back(std::make_shared<nn::ConvStack>(1, block_spec((skip ? 2 : 1) * channels[s], channels[s], plan)));
  }
  for (size_t extra = last; extra < taps; ++extra) {
    if (!plan.shared_extra_skips)
      skips_.push_back(std::make_shared<Skip>(plan.taps[extra], channels[last], static_cast<int64_t>(last), plan));
    stages_.push_back(std::make_shared<nn::ConvStack>(1, block_spec(2 * channels[last], channels[last], plan)));
  }
  register_list(owner, "image_decoder_stages", stages_);
  register_list(owner, "image_decoder_transpconvs", doublings_);
  register_list(owner, "image_decoder_skips", skips_);
}

int64_t Generator::channels() const {
  const size_t extra = stages_.size() - plan_.channels.size();
  return std::accumulate(plan_.channels.begin(), plan_.channels.end(), int64_t{0}) +
         static_cast<int64_t>(extra) * plan_.channels.back();
}

torch::Tensor Generator::merge(const torch::Tensor& x, const torch::Tensor& skip, size_t stage) const {
  return stages_[stage]->forward(at::cat({x, skip}, 1));
}

std::vector<torch::Tensor> Generator::forward(const torch::Tensor& embedding,
                                              const std::vector<torch::Tensor>& taps) const {
  std::vector<torch::Tensor> outputs{stages_[0]->forward(embedding)};
  for (size_t s = 1; s < plan_.channels.size(); ++s) {
    const torch::Tensor x = doublings_[s - 1]->forward(outputs.back());
    outputs.push_back(s <= taps.size() ? merge(x, skips_[s - 1]->forward(taps[s - 1]), s) : stages_[s]->forward(x));
  }
  for (size_t s = plan_.channels.size(); s < stages_.size(); ++s) {
    const auto& branch = plan_.shared_extra_skips ? skips_.back() : skips_[s - 1];
    outputs.push_back(merge(outputs.back(), branch->forward(taps[s - 1]), s));
  }
  return outputs;
}

}  // namespace lamina::masksam
