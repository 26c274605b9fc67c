// A small convolutional network in front of the encoder, which may enlarge the slices (MaskSAM).
#include "conv_stem.hpp"

#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/fold.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kChannels = 8, kChannelsEnlarging = 16;

// A chain whose parts are numbered as in the released Sequential, where activations count too: "first_conv.4.weight".
class ConvStemUnit : public stems::Unit {
 public:
  ConvStemUnit(const ConvStemOptions& options, const Site& site) : Unit(site, options.upsample) {
    kernel_ = {options.dimensions == 3 ? 3 : 1, 3, 3};
    chain_ = register_module("first_conv", std::make_shared<torch::nn::Module>("chain"));
    const int64_t width = options.channels > 0    ? options.channels
                          : options.upsample == 1 ? kChannels
                                                  : kChannelsEnlarging;
    if (options.upsample == 1) {
      plain(width);
    } else {
      enlarging(width, options.upsample);
    }
  }

 private:
  using Step = std::function<torch::Tensor(torch::Tensor)>;

  // conv-norm-leaky twice, n -> width -> 3 channels (AMOS, Synapse).
  void plain(int64_t width) {
    for (const auto& [in, out] : {std::pair{channels(), width}, {width, stems::kColours}}) {
      convolve(in, out);
      normalise(out);
      activate(&nn::leaky);
    }
  }

  // conv, per doubling (transposed conv-norm-GELU), conv, conv (ACDC); the last doubling also doubles the channels.
  void enlarging(int64_t width, int64_t factor) {
    convolve(channels(), width);
    for (; factor > 1; factor /= 2) {
      const int64_t in = width;
      if (factor == 2) width *= 2;
      add(std::make_shared<nn::Conv>(nn::ConvSpec{in, width, {1, 2, 2}, {1, 2, 2}}, nn::Conv::Direction::Transposed));
      normalise(width);
      activate([](torch::Tensor x) { return at::gelu(x); });
    }
    convolve(width, width);
    convolve(width, stems::kColours);
  }

  void convolve(int64_t in, int64_t out) { add(std::make_shared<nn::Conv>(nn::ConvSpec{in, out, kernel_, {1, 1, 1}})); }
  void normalise(int64_t width) { add(std::make_shared<nn::InstanceNorm>(width)); }
  void activate(Step step) { steps_.push_back(std::move(step)); }

  template <class Part>
  void add(std::shared_ptr<Part> part) {
    chain_->register_module(std::to_string(steps_.size()), part);
    steps_.push_back([part](torch::Tensor x) { return part->forward(x); });
  }

  torch::Tensor forward(const torch::Tensor& image) override {
    if (kernel_[0] == 3) return run(image);
    // In two dimensions every slice is a volume of its own, so that its norm sees no other: [B*D, n, 1, H, W]
    const torch::Tensor slices = run(nn::fold_depth(image).unsqueeze(2)).squeeze(2);
    return nn::unfold_depth(slices, image.size(0), image.size(2));
  }

  torch::Tensor run(torch::Tensor x) const {
    for (const Step& step : steps_) x = step(std::move(x));
    return x;
  }

  std::vector<int64_t> kernel_;
  std::shared_ptr<torch::nn::Module> chain_;
  std::vector<Step> steps_;
};

}  // namespace

void ConvStemOptions::bind(OptionBinder& o) {
  o.field("upsample", upsample, "Enlarges the slices by this factor: 1, 2 or 4", Range{1, 4});
  o.field("dimensions", dimensions, "3: kernels 3x3x3, slices see each other; 2: kernels 1x3x3, norms per slice",
          Range{2, 3});
  o.field("channels", channels, "Width of the first convolution; 0: 8, or 16 where slices are enlarged", AtLeast{0});
}

void ConvStemOptions::check(OptionErrors& errors, const std::string& where) const {
  if (upsample == 3) errors.add(where + ".upsample", "got 3, expected 1, 2 or 4");
}

ConvStem::ConvStem(const Options& options, const AdapterContext&) : options_(options) {}

std::shared_ptr<AdapterUnit> ConvStem::attach(const Site& site, const HostInfo&) {
  return std::make_shared<ConvStemUnit>(options_, site);
}

}  // namespace lamina
