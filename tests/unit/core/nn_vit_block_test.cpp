// SAM's block: both ways through its windows, its sites, and gradient checkpointing.
#include <lamina/model/scene.hpp>
#include <lamina/nn/checkpoint.hpp>
#include <lamina/nn/vit_block.hpp>

#include "component_test.hpp"

#include <ATen/autocast_mode.h>
#include <torch/autograd.h>

namespace lamina::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;

// Leaves everything as it is, and remembers what it saw.
class Watches : public SiteHook {
 public:
  torch::Tensor apply(const SiteCall& call) override {
    input = call.input;
    axes = call.axes;
    return call.output;
  }
  torch::Tensor input;
  Axes axes;
};

struct Block {
  explicit Block(int64_t window, AttentionPath path = AttentionPath::Tiled) {
    VitBlockOptions options;
    options.channels = 12;
    options.heads = 2;
    options.window = window;
    options.path = path;
    block = std::make_shared<VitBlock>(host, "blocks.3", options);
    block->make_tables(6, 9);
    testing::redraw(*block);
  }
  SiteId site(const std::string& name) const {
    for (SiteId id = 0; id < host.sites().size(); ++id) {
      if (host.sites()[id].path == "blocks.3." + name) return id;
    }
    throw Error("no site " + name);
  }
  torch::Tensor run(const torch::Tensor& grid) {
    Axes axes;
    axes.batch = grid.size(0);
    axes.height = grid.size(1);
    axes.width = grid.size(2);
    return block->forward(grid, axes, scene);
  }
  SiteHost host;
  Scene scene{Mode::Train};
  std::shared_ptr<VitBlock> block;
};

std::vector<torch::Tensor> gradients(VitBlock& block, const torch::Tensor& output) {
  std::vector<torch::Tensor> result;
  block.zero_grad();
  (output * normal(output.sizes().vec(), 9)).sum().backward();
  for (const auto& parameter : block.parameters()) result.push_back(parameter.grad().clone());
  return result;
}

// Names of SAM's parameters, sites of the design.
TEST(VitBlock, NamesItsParametersAsSamAndItsSitesAsTheDesign) {
  Block block(4);
  std::vector<std::string> sites;
  for (const auto& site : block.host.sites()) sites.push_back(site.path.substr(9));
  EXPECT_THAT(sites, ElementsAre("input", "attn.qkv", "attn.proj", "attn.out", "attn.merged", "mid", "mlp.lin1",
                                 "mlp.lin2", "mlp.out", "output"));
  EXPECT_EQ(block.host.sites()[1].parts, 3);
  const auto state = state_of(*block.block);
  EXPECT_EQ(state.size(), 14);
  EXPECT_EQ(state.at("attn.rel_pos_h").sizes(), (std::vector<int64_t>{7, 6}));
  for (const char* name : {"norm1.weight", "attn.qkv.bias", "attn.proj.weight", "mlp.lin2.bias"})
    EXPECT_TRUE(state.contains(name)) << name;
}

TEST(VitBlock, LeavesOutThePaddingOfWindowsWithoutChangingAnything) {
  for (const auto& [height, width] : {std::pair{8, 8}, {6, 9}, {3, 2}, {4, 7}}) {
    SCOPED_TRACE(text(height, " x ", width));
    const torch::Tensor grid = normal({2, height, width, 12});
    for (const char* where : {"attn.out", "attn.qkv"}) {
      Block lean(4), full(4);
      Watches watches;
      full.host.attach(full.site(where), watches);
      const torch::Tensor a = lean.run(grid), b = full.run(grid);
      EXPECT_GT(b.std().item<double>(), 0.1);
      EXPECT_LE(largest_difference(a, b), 2e-6);
      EXPECT_EQ(watches.axes.windows, (height + 3) / 4 * ((width + 3) / 4)) << "the full way was not taken";
      const auto da = gradients(*lean.block, a), db = gradients(*full.block, b);
      for (size_t i = 0; i < da.size(); ++i) EXPECT_LE(largest_difference(da[i], db[i]), 2e-5) << i;
    }
  }
}

TEST(VitBlock, ShowsWindowsAtOutAndTheWholeGridAtMerged) {
  Block block(4);
  Watches out, merged;
  block.host.attach(block.site("attn.out"), out);
  block.host.attach(block.site("attn.merged"), merged);
  block.run(normal({2, 6, 9, 12}));
  EXPECT_EQ(out.input.sizes(), (std::vector<int64_t>{2 * 6, 4, 4, 12}));
  EXPECT_EQ(out.axes.windows, 6);
  EXPECT_EQ(out.axes.height, 4);
  EXPECT_EQ(merged.input.sizes(), (std::vector<int64_t>{2, 6, 9, 12}));
  EXPECT_EQ(merged.axes.windows, 1);
  EXPECT_EQ(merged.axes.width, 9);
}

TEST(VitBlock, TiledEqualsPlain) {
  for (const int64_t window : {0, 4}) {
    Block tiled(window), plain(window, AttentionPath::Plain);
    const torch::Tensor grid = normal({2, 6, 9, 12});
    const torch::Tensor a = tiled.run(grid), b = plain.run(grid);
    EXPECT_LE(largest_difference(a, b), 2e-6);
    const auto da = gradients(*tiled.block, a), db = gradients(*plain.block, b);
    for (size_t i = 0; i < da.size(); ++i) EXPECT_LE(largest_difference(da[i], db[i]), 2e-5) << i;
  }
}

TEST(VitBlock, GradientsReachEveryParameterAtOtherSizesThanItsTables) {
  for (const int64_t window : {0, 4}) {
    Block block(window);
    testing::expect_gradients(*block.block, block.run(normal({2, 5, 7, 12})).pow(2).mean());
  }
}

torch::Tensor checkpointed(Block& block, const torch::Tensor& grid) {
  return checkpoint([&](const torch::Tensor& x) { return block.run(x); },
                    [&](const torch::Tensor& x) { return block.run(x); }, grid);
}

TEST(Checkpoint, ChangesNoGradient) {
  Block block(4);
  const torch::Tensor grid = normal({2, 6, 9, 12}).requires_grad_();
  const torch::Tensor kept = block.run(grid);
  const auto expected = gradients(*block.block, kept);
  const torch::Tensor expected_input = grid.grad().clone();
  grid.mutable_grad().reset();
  const torch::Tensor again = checkpointed(block, grid);
  EXPECT_EQ(again.grad_fn()->name(), "LaminaCheckpoint");
  EXPECT_TRUE(torch::equal(kept, again));
  const auto found = gradients(*block.block, again);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(torch::equal(found[i], expected[i])) << i;
  EXPECT_TRUE(torch::equal(grid.grad(), expected_input));
}

// A frozen trunk hands on tokens that need no gradient; an adapter in the block must still learn.
TEST(Checkpoint, TrainsWhatIsInsideWhenTheInputIsFrozen) {
  Block block(0);
  for (auto& parameter : block.block->parameters()) parameter.requires_grad_(false);
  const torch::Tensor inside = normal({12}, 4).requires_grad_();
  const auto work = [&](const torch::Tensor& x) { return block.run(x) * inside; };
  const torch::Tensor grid = normal({1, 6, 9, 12});
  work(grid).pow(2).sum().backward();
  const torch::Tensor expected = inside.grad().clone();
  inside.mutable_grad().reset();
  checkpoint(work, work, grid).pow(2).sum().backward();
  EXPECT_TRUE(torch::equal(inside.grad(), expected));
  EXPECT_FALSE(block.block->parameters()[0].grad().defined());
}

TEST(Checkpoint, LeavesTensorsWithoutGradientsAlone) {
  Block block(0);
  for (auto& parameter : block.block->parameters()) parameter.requires_grad_(false);
  const torch::Tensor grid = normal({1, 6, 9, 12});
  EXPECT_FALSE(checkpointed(block, grid).requires_grad());
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(checkpointed(block, grid), block.run(grid)));
}

TEST(Checkpoint, ReachesAParameterSharedByTwoBlocksThroughOneTensor) {
  const torch::Tensor shared = normal({4, 4}, 3).requires_grad_(), input = normal({2, 4}).requires_grad_();
  const auto gradient = [&](bool lean) {
    shared.mutable_grad().reset();
    const torch::Tensor once = shared.tanh();  // computed outside, used inside both
    const auto work = [once](const torch::Tensor& x) { return at::matmul(x, once).sin(); };
    torch::Tensor x = input;
    for (int i = 0; i < 2; ++i) x = lean ? checkpoint(work, work, x) : work(x);
    x.sum().backward();
    return shared.grad().clone();
  };
  EXPECT_LE(largest_difference(gradient(true), gradient(false)), 1e-6);
}

TEST(Checkpoint, DrawsTheSameRandomNumbersAgain) {
  const torch::Tensor x = torch::ones({50}, torch::requires_grad());
  const auto drop = [](const torch::Tensor& input) { return torch::dropout(input, 0.5, true) * 3; };
  const torch::Tensor output = checkpoint(drop, drop, x);
  const torch::Tensor between = torch::rand({3});
  output.sum().backward();
  EXPECT_TRUE(torch::equal(x.grad(), output.detach()));
  EXPECT_FALSE(torch::equal(torch::rand({3}), between)) << "the stream outside was turned back";
}

TEST(Checkpoint, RunsAgainInThePrecisionOfTheFirstRun) {
  std::vector<torch::ScalarType> seen;
  const torch::Tensor weight = normal({4, 4}).requires_grad_(), x = normal({2, 4}, 2);
  const auto work = [&](const torch::Tensor& input) {
    const torch::Tensor output = at::matmul(input, weight);
    seen.push_back(output.scalar_type());
    return output;
  };
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::increment_nesting();
  const torch::Tensor output = checkpoint(work, work, x);
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  output.sum().backward();
  EXPECT_THAT(seen, ElementsAre(torch::kBFloat16, torch::kBFloat16));
  EXPECT_EQ(weight.grad().scalar_type(), torch::kFloat32);
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
}

TEST(Checkpoint, SaysThatItHasNoSecondDerivative) {
  const torch::Tensor x = normal({3}).requires_grad_();
  const auto work = [](const torch::Tensor& input) { return input.sin(); };
  const torch::Tensor output = checkpoint(work, work, x).sum();
  EXPECT_THAT(testing::message_of([&] { torch::autograd::grad({output}, {x}, {}, true, true); }),
              HasSubstr("\"checkpoint\": false"));
}

}  // namespace
}  // namespace lamina::nn
