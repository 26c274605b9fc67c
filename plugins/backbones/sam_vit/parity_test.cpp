// SAM's image encoder against PyPI's segment-anything (tests/parity/make_sam_encoder.py).
#include "golden_file.hpp"
#include "made_numbers.hpp"
#include "sam_encoder.hpp"

namespace lamina {
namespace {

using testing::largest_difference;
using testing::made;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("sam_encoder");
  return tensors;
}

StateDict golden_weights() {
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
  }
  return weights;
}

struct Case {
  std::string name, school;
  friend std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }
};

class SamParity : public ::testing::TestWithParam<std::tuple<Case, std::string>> {};

// All tensors are redrawn; the file's tables are of 12 x 12 tokens, the images of other sizes, see the script.
TEST_P(SamParity, EqualsSegmentAnything) {
  const auto& [one, attention] = GetParam();
  const std::string fit =
      one.school == "crop" ? R"("position": "crop", "rel_pos": "runtime")" : R"("position": "resize")";
  const torch::Tensor slices = golden().at(one.name + ".image");
  const torch::Tensor image = slices.transpose(0, 1).unsqueeze(0).contiguous();  // [1, 3, D, H, W]
  const auto encoder = testing::sam_encoder(
      R"("size": "custom", "embed_dim": 24, "depth": 3, "heads": 2, "patch_size": 4, "window": 4, "global_blocks": [1],
         "out_channels": 16, "table": 12, )" +
          fit + R"(, "attention": ")" + attention + '"',
      {3, {image.size(2), image.size(3), image.size(4)}});
  load_state_strictly(*encoder, encoder->fit_weights(golden_weights()), "the golden file");
  const torch::NoGradGuard no_grad;
  const Features features = testing::encoded(*encoder, image, {"embedding", "block.0", "tap.0"});
  const double tolerance = attention == "plain" ? 1e-5 : 2e-5;
  for (const char* name : {"block.0", "tap.0", "embedding"}) {
    const torch::Tensor expected = golden().at(one.name + "." + name);
    const int64_t step = std::string(name) == "embedding" ? 1 : 3;  // the file holds every third channel
    EXPECT_GT(expected.std().item<double>(), 0.5);
    EXPECT_LE(largest_difference(features.at(name).slice(1, 0, torch::indexing::None, step), expected), tolerance)
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Grids, SamParity,
                         ::testing::Combine(::testing::Values(Case{"whole", "crop"}, Case{"padded", "crop"},
                                                              Case{"resized", "resize"}, Case{"under_window", "resize"},
                                                              Case{"enlarged", "resize"}),
                                            ::testing::Values("plain", "tiled")),
                         [](const auto& info) { return std::get<0>(info.param).name + "_" + std::get<1>(info.param); });

// ViT-B on 256 x 256 pixels: position table and tables of relative position of SAM's own size, cropped and resized.
TEST(SamBaseSlow, EqualsSegmentAnythingOnViTB) {
  const TensorDict expected = testing::golden_file("sam_encoder_base");
  const auto encoder =
      testing::sam_encoder(R"("size": "base", "position": "crop", "rel_pos": "runtime")", {3, {2, 256, 256}});
  const torch::NoGradGuard no_grad;
  int64_t index = 0;
  for (auto& [name, tensor] : state_of(*encoder)) {  // sorted, as in the script
    const bool scale = name.ends_with("weight") &&
                       (name.find("norm") != std::string::npos || name == "neck.1.weight" || name == "neck.3.weight");
    const double reach = name.find("rel_pos") != std::string::npos ? 0.5 : 0.06, centre = scale ? 1 : 0;
    torch::Tensor target = tensor;
    target.copy_(made(index++, tensor.sizes().vec(), centre - reach, centre + reach));
  }
  const torch::Tensor image = made(1000, {2, 3, 256, 256}, -1.5, 1.5).transpose(0, 1).unsqueeze(0).contiguous();
  const Features features = testing::encoded(*encoder, image, {"embedding", "tap.1"});
  const auto sample = [](const torch::Tensor& feature, int64_t channels) {
    return feature.slice(1, 0, torch::indexing::None, channels)
        .slice(2, 0, torch::indexing::None, 3)
        .slice(3, 0, torch::indexing::None, 3);
  };
  EXPECT_GT(expected.at("tap.1").std().item<double>(), 0.5);
  EXPECT_LE(largest_difference(sample(features.at("tap.1"), 64), expected.at("tap.1")), 1e-4);
  EXPECT_LE(largest_difference(sample(features.at("embedding"), 16), expected.at("embedding")), 1e-4);
}

}  // namespace
}  // namespace lamina
