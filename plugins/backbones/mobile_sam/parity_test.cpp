// MobileSAM's image encoder and its blocks against formulas in numpy (tests/parity/make_mobile_sam.py).
#include "golden_file.hpp"
#include "made_numbers.hpp"
#include "mobile_sam.hpp"
#include "sam_encoder.hpp"
#include "window_block.hpp"

#include <map>

namespace lamina::mobile_sam {
namespace {

using testing::largest_difference;

constexpr double kBlockTolerance = 1e-5, kEncoderTolerance = 1e-4;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("mobile_sam");
  return tensors;
}

/// Loads the golden tensors behind `prefix`; the counters of batches, which they leave out, stay as they are.
void load_golden(torch::nn::Module& module, const std::string& prefix) {
  StateDict weights;
  for (const auto& [name, tensor] : golden()) {
    if (name.starts_with(prefix)) weights[name.substr(prefix.size())] = tensor;
  }
  for (const auto& [name, tensor] : state_of(module)) {
    if (name.ends_with("num_batches_tracked")) weights[name] = tensor;
  }
  load_state_strictly(module, weights, prefix);
}

torch::Tensor channels_last(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).contiguous(); }

using Run = std::function<torch::Tensor(const torch::Tensor& grid, const Axes& axes, Scene& scene)>;

/// The module's outputs for all golden inputs of that name.
void expect_golden(const std::string& name, torch::nn::Module& module, const Run& run) {
  load_golden(module, name + ".weights.");
  module.eval();
  const torch::NoGradGuard no_grad;
  Scene scene(Mode::Infer);
  int cases = 0;
  for (; golden().contains(text(name, ".", cases, ".in")); ++cases) {
    const torch::Tensor grid = channels_last(golden().at(text(name, ".", cases, ".in")));
    Axes axes;
    axes.batch = grid.size(0);
    axes.height = grid.size(1);
    axes.width = grid.size(2);
    const torch::Tensor expected = golden().at(text(name, ".", cases, ".out"));
    EXPECT_LE(largest_difference(run(grid, axes, scene).permute({0, 3, 1, 2}), expected), kBlockTolerance)
        << name << " " << cases;
  }
  EXPECT_GT(cases, 0) << name;
}

void expect_golden_block(const std::string& name, Block& block) {
  expect_golden(name, block, [&](const torch::Tensor& grid, const Axes& axes, Scene& scene) {
    return block.forward(grid, axes, scene, Pass::First);
  });
}

TEST(MobileSamParity, PatchesAreEmbeddedAsInTheFormulas) {
  PatchEmbed embed(6);
  expect_golden("patch_embed", embed,
                [&](const torch::Tensor& grid, const Axes&, Scene&) { return embed.forward(grid, Pass::First); });
}

TEST(MobileSamParity, ConvolvingBlocksEqualTheFormulas) {
  SiteHost host;
  MbConv block(host, "block", 4);
  expect_golden_block("mb_conv", block);
  for (const int64_t stride : {1, 2}) {
    PatchMerging merge(4, 6, stride);
    expect_golden_block(text("merge", stride), merge);
  }
}

// Windows that fit exactly, that are filled up with zeros in front of the norm, and that are larger than the grid.
TEST(MobileSamParity, AttendingBlocksEqualTheFormulas) {
  SiteHost host;
  WindowBlock block(host, "block", {12, 3, 3});
  expect_golden_block("window_block", block);
  WindowAttention attention(host, "attn", {12, 3, 3});
  expect_golden("attention", attention, [&](const torch::Tensor& grid, const Axes& axes, Scene& scene) {
    return attention.forward(grid, axes, scene);
  });
  NormedMlp mlp(host, "mlp", 12);
  expect_golden("mlp", mlp, [&](const torch::Tensor& grid, const Axes& axes, Scene& scene) {
    return mlp.forward(grid, axes, scene);
  });
}

// A unit at attn.qkv or attn.out sees whole windows, with their filling; without one the filling is left out.
TEST(MobileSamParity, UnitsInsideTheWindowsChangeNoNumber) {
  for (const char* site : {"attn.qkv", "attn.out"}) {
    SiteHost host;
    testing::CountingHook hook;
    WindowAttention attention(host, "attn", {12, 3, 3});
    host.attach(testing::site_called(host, site), hook);
    expect_golden("attention", attention, [&](const torch::Tensor& grid, const Axes& axes, Scene& scene) {
      return attention.forward(grid, axes, scene);
    });
    EXPECT_EQ(hook.calls, 3) << site;
  }
}

TEST(MobileSamParity, BatchNormTrainsByTheBatchAndTakesNoteOfItOnce) {
  ConvNorm layer({4, 5, 3});
  load_golden(layer, "conv_norm.weights.");
  const torch::Tensor grid = channels_last(golden().at("conv_norm.0.in"));
  const torch::Tensor expected = golden().at("conv_norm.0.out");
  for (const Pass pass : {Pass::First, Pass::Again}) {
    EXPECT_LE(largest_difference(layer.forward(grid, pass).permute({0, 3, 1, 2}), expected), kBlockTolerance);
    const StateDict state = state_of(layer);
    EXPECT_EQ(state.at("bn.num_batches_tracked").item<int64_t>(), 1);
    for (const char* name : {"bn.running_mean", "bn.running_var"}) {
      const torch::Tensor after = golden().at(text("conv_norm.after.weights.", name));
      EXPECT_LE(largest_difference(state.at(name), after), kBlockTolerance) << name;
    }
  }
}

// TinyViT numbers the distances between two cells as it meets them, going through pairs of cells row by row.
TEST(MobileSamParity, BiasesBelongToDistancesInTheOrderInWhichPairsShowThem) {
  for (const int64_t window : {1, 3, 7, 14}) {
    std::map<std::pair<int64_t, int64_t>, int64_t> met;
    const torch::Tensor index = bias_index(window);
    const auto entries = index.accessor<int64_t, 2>();
    int64_t differing = 0;
    for (int64_t a = 0; a < window * window; ++a) {
      for (int64_t b = 0; b < window * window; ++b) {
        const std::pair distance{std::abs(a / window - b / window), std::abs(a % window - b % window)};
        const auto entry = met.try_emplace(distance, static_cast<int64_t>(met.size())).first->second;
        differing += entry != entries[a][b] ? 1 : 0;
      }
    }
    EXPECT_EQ(differing, 0) << window;
    EXPECT_EQ(static_cast<int64_t>(met.size()), window * window);
  }
}

struct Case {
  const char* name;
  std::vector<int64_t> image;  // what the script made it of
  int64_t number;
};

/// Every which channel and cell the file holds of stages and embedding.
struct Sample {
  int64_t stage_channels = 1, embedding_channels = 1, cells = 1;
};

void expect_golden_features(const Features& features, const Case& one, const TensorDict& expected, const Sample& sample,
                            double tolerance) {
  for (const auto& [name, tensor] : features.items()) {
    const auto every = [](int64_t step) {
      return torch::indexing::Slice(torch::indexing::None, torch::indexing::None, step);
    };
    const auto channels = every(name == "embedding" ? sample.embedding_channels : sample.stage_channels);
    const torch::Tensor seen =
        tensor.index({torch::indexing::Slice(), channels, every(sample.cells), every(sample.cells)});
    EXPECT_LE(largest_difference(seen, expected.at(text(one.name, ".", name))), tolerance) << one.name << " " << name;
  }
}

/// In single precision, and in double, where nothing but the formulas can differ.
void expect_golden_encoder(Backbone& encoder, const Case& one, const TensorDict& expected, const Sample& sample) {
  encoder.eval();
  const torch::NoGradGuard no_grad;
  const NameSet wanted{"stage.0", "stage.1", "stage.2", "stage.3", "embedding"};
  const torch::Tensor slices = testing::made(1000 + one.number, one.image, -2, 2);
  const torch::Tensor image = slices.transpose(0, 1).unsqueeze(0).contiguous();  // [1, 3, D, H, W]
  expect_golden_features(testing::encoded(encoder, image, wanted), one, expected, sample, kEncoderTolerance);
  encoder.to(torch::kFloat64);
  expect_golden_features(testing::encoded(encoder, image.to(torch::kFloat64), wanted), one, expected, sample,
                         kBlockTolerance);
}

TEST(MobileSamParity, ASmallEncoderEqualsTheFormulas) {
  for (const Case& one : {Case{"tall", {2, 3, 48, 32}, 0}, Case{"square", {1, 3, 64, 64}, 1}}) {
    const auto encoder = testing::encoder_of(
        "mobile_sam",
        R"("size": "custom", "channels": [8, 12, 16, 20], "depths": [1, 2, 2, 1], "heads": [1, 2, 4, 2],
           "windows": [1, 3, 4, 2], "out_channels": 6)",
        {3, {one.image[0], one.image[2], one.image[3]}});
    load_golden(*encoder, "weights.");
    expect_golden_encoder(*encoder, one, golden(), {});
  }
}

/// As `reach_of` in the script: centre and reach of a tensor's numbers.
std::pair<double, double> reach_of(const std::string& name, const torch::Tensor& tensor) {
  if (name.ends_with("attention_biases")) return {0, 1.5};
  if (name.ends_with("running_var")) return {1, 0.5};
  if (tensor.dim() == 1) return {name.ends_with("weight") ? 1 : 0, 0.3};
  const double square = name.find("qkv") != std::string::npos ? 10 : tensor.dim() == 4 ? 4 : 3;
  return {0, std::sqrt(square / static_cast<double>(tensor.numel() / tensor.size(0)))};
}

TEST(MobileSamParity, TheEncoderInItsOwnSizeEqualsTheFormulas) {
  const auto encoder = testing::encoder_of("mobile_sam", R"("size": "mobile_sam")", {3, {1, 224, 160}});
  const torch::NoGradGuard no_grad;
  int64_t index = 0;
  for (auto& [name, tensor] : state_of(*encoder)) {  // sorted, as in the script
    if (!tensor.is_floating_point()) continue;
    const auto [centre, reach] = reach_of(name, tensor);
    torch::Tensor target = tensor;
    target.copy_(testing::made(index++, tensor.sizes().vec(), centre - reach, centre + reach));
  }
  expect_golden_encoder(*encoder, {"full", {1, 3, 224, 160}, 0}, testing::golden_file("mobile_sam_full"),
                        {20, 8, 3});
}

}  // namespace
}  // namespace lamina::mobile_sam
