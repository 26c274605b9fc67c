// SAM's two-way transformer against PyPI segment-anything (tests/parity/make_sam_decoder.py), its sites, and its short
// cuts.
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/nn/two_way_transformer.hpp>

#include "decoder_test.hpp"

namespace lamina::nn {
namespace {

using ::testing::HasSubstr;
using testing::largest_difference;
using testing::normal;
using testing::sam_golden;

constexpr int64_t kHeight = 3, kWidth = 4, kChannels = 24;

struct Host : SiteHost {};

TwoWaySpec golden_spec() {
  TwoWaySpec spec;
  spec.channels = kChannels;
  spec.heads = 3;
  spec.mlp_channels = 40;
  return spec;
}

// Two queries on each of the three slices of one case.
Axes regular_axes() {
  Axes axes;
  axes.depth = 3;
  axes.queries = 2;
  axes.image_index = torch::tensor({0, 0, 1, 1, 2, 2});
  return axes;
}

ImageKeys shared_keys() {
  return {normal({3, kHeight, kWidth, kChannels}, 2), normal({1, kHeight, kWidth, kChannels}, 3), true};
}

// Larger than testing::redraw() makes them, so that attention is sharp enough to see every cell.
void redraw(TwoWayTransformer& transformer) {
  testing::redraw(transformer);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : transformer.parameters()) parameter.mul_(4);
}

TwoWayTransformer::Result run(TwoWayTransformer& transformer, const ImageKeys& keys) {
  Scene scene(Mode::Infer);
  return transformer.forward(normal({6, 5, kChannels}, 4), keys, PromptAxes(regular_axes(), kHeight, kWidth), scene);
}

TEST(TwoWayTransformer, EqualsSegmentAnything) {
  Host host;
  TwoWayTransformer transformer(host, golden_spec());
  load_state_strictly(transformer, testing::with_prefix(sam_golden(), "weights.transformer."), "the golden file");
  const torch::NoGradGuard no_grad;
  Axes axes;
  axes.queries = 5;
  axes.image_index = torch::zeros({5}, torch::kInt64);
  Scene scene(Mode::Infer);
  const ImageKeys keys{sam_golden().at("transformer.image").permute({0, 2, 3, 1}),
                       sam_golden().at("dense_pe").permute({0, 2, 3, 1}), false};
  const auto result =
      transformer.forward(sam_golden().at("transformer.tokens"), keys, PromptAxes(axes, kHeight, kWidth), scene);
  EXPECT_LE(largest_difference(result.tokens, sam_golden().at("transformer.out.tokens")), 1e-5);
  EXPECT_LE(largest_difference(result.image.flatten(1, 2), sam_golden().at("transformer.out.image")), 1e-5);
  EXPECT_EQ(result.layers.size(), 2);
}

TEST(TwoWayTransformer, ComputesTheSameWhetherPromptsShareTheirSliceOrHaveACopy) {
  Host host;
  TwoWayTransformer transformer(host, golden_spec());
  redraw(transformer);
  const torch::NoGradGuard no_grad;
  const ImageKeys shared = shared_keys();
  const ImageKeys copies{shared.per_prompt(regular_axes().image_index), shared.position, false};
  const auto one = run(transformer, shared), other = run(transformer, copies);
  EXPECT_LE(largest_difference(one.tokens, other.tokens), 1e-6);
  EXPECT_LE(largest_difference(one.image, other.image), 1e-6);
}

// A table per slice, as the depth embedding makes it.
TEST(TwoWayTransformer, TakesOnePositionTablePerSlice) {
  Host host;
  TwoWayTransformer transformer(host, golden_spec());
  redraw(transformer);
  const torch::NoGradGuard no_grad;
  ImageKeys keys = shared_keys();
  const auto expected = run(transformer, keys);
  keys.position = keys.position.repeat({3, 1, 1, 1});
  EXPECT_LE(largest_difference(run(transformer, keys).tokens, expected.tokens), 1e-6);
  keys.position[2] += 1;
  const torch::Tensor change = (run(transformer, keys).tokens - expected.tokens).abs().amax({1, 2});
  EXPECT_LE(change.slice(0, 0, 4).max().item<double>(), 1e-6);
  EXPECT_GT(change.slice(0, 4).min().item<double>(), 1e-4);
}

/// Counts and checks what passes; with another factor than 1 it changes the output.
class Spy : public SiteHook {
 public:
  explicit Spy(double factor = 1) : factor_(factor) {}
  torch::Tensor apply(const SiteCall& call) override {
    EXPECT_EQ(call.output.size(0), 6) << call.site.path;
    EXPECT_EQ(call.input.size(-1), call.site.in_channels) << call.site.path;
    const bool grid = call.site.layout == Layout::Grid;
    EXPECT_EQ(call.output.dim(), grid ? 4 : 3) << call.site.path;
    EXPECT_EQ(call.axes.height, grid ? kHeight : 0) << call.site.path;
    EXPECT_EQ(call.axes.width, grid ? kWidth : 0) << call.site.path;
    EXPECT_EQ(call.axes.queries, 2);
    ++calls;
    // A slope besides a factor: a norm would take the factor away, a softmax a constant.
    const torch::Tensor slope = torch::linspace(0, factor_ - 1, call.output.size(-1));
    return call.output * factor_ + slope;
  }
  int calls = 0;

 private:
  double factor_;
};

// What is computed in another order where nobody sits must not differ where somebody does.
TEST(TwoWayTransformer, ComputesTheSameWithAUnitAtEverySite) {
  Host host;
  TwoWayTransformer transformer(host, golden_spec());
  redraw(transformer);
  const torch::NoGradGuard no_grad;
  const auto expected = run(transformer, shared_keys());
  Spy spy;
  for (SiteId id = 0; id < host.sites().size(); ++id) host.attach(id, spy);
  const auto result = run(transformer, shared_keys());
  EXPECT_EQ(spy.calls, static_cast<int>(host.sites().size()));
  EXPECT_LE(largest_difference(result.tokens, expected.tokens), 1e-6);
  EXPECT_LE(largest_difference(result.image, expected.image), 1e-6);
}

TEST(TwoWayTransformer, EverySiteReachesTheResult) {
  Host names;
  const TwoWayTransformer with_names(names, golden_spec());
  for (SiteId id = 0; id < names.sites().size(); ++id) {
    Host host;
    TwoWayTransformer transformer(host, golden_spec());
    redraw(transformer);
    const torch::NoGradGuard no_grad;
    const auto before = run(transformer, shared_keys());
    Spy spy(2);
    host.attach(id, spy);
    const auto after = run(transformer, shared_keys());
    EXPECT_EQ(spy.calls, 1) << names.sites()[id].path;
    EXPECT_GT(largest_difference(after.tokens, before.tokens), 1e-4) << names.sites()[id].path;
  }
}

TEST(TwoWayTransformer, PublishesTheReferencesModules) {
  Host host;
  const TwoWayTransformer transformer(host, golden_spec());
  std::set<std::string> paths;
  for (const auto& site : host.sites()) paths.insert(site.path);
  std::set<std::string> expected;
  for (const char* layer : {"layers.0.", "layers.1."}) {
    for (const char* attention : {"self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token"}) {
      for (const char* part : {".q_proj", ".k_proj", ".v_proj", ".out_proj", ".out"})
        expected.insert(text(layer, attention, part));
    }
    for (const char* part : {"lin1", "lin2", "out"}) expected.insert(text(layer, "mlp.", part));
  }
  for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj", "out"})
    expected.insert(text("final_attn_token_to_image.", part));
  EXPECT_EQ(paths, expected);
}

// The bias of a key shifts all scores of a query alike, which a softmax does not see: its gradient is rounding.
TEST(TwoWayTransformer, GradientsReachEveryParameterButTheBiasesOfKeys) {
  Host host;
  TwoWayTransformer transformer(host, golden_spec());
  testing::redraw(transformer);
  const auto result = run(transformer, shared_keys());
  const torch::Tensor loss = (result.tokens * normal(result.tokens.sizes().vec(), 8)).sum() +
                             (result.image * normal(result.image.sizes().vec(), 9)).sum();
  loss.backward();
  for (const auto& item : transformer.named_parameters()) {
    const double size = item.value().grad().defined() ? item.value().grad().abs().max().item<double>() : 0;
    const bool key_bias = item.key().ends_with("k_proj.bias");
    EXPECT_EQ(size > 1e-5, !key_bias) << item.key() << ": " << size;
  }
}

TEST(TwoWayTransformer, WorksWithoutAnyPrompt) {
  Host host;
  TwoWayTransformer transformer(host, golden_spec());
  Axes axes;
  axes.depth = 3;
  axes.queries = 0;
  axes.image_index = torch::zeros({0}, torch::kInt64);
  Scene scene(Mode::Infer);
  const auto result =
      transformer.forward(torch::zeros({0, 5, kChannels}), shared_keys(), PromptAxes(axes, kHeight, kWidth), scene);
  EXPECT_EQ(result.tokens.sizes(), (std::vector<int64_t>{0, 5, kChannels}));
}

TEST(SamDecoder, RefusesHeadsThatDoNotDivideTheChannels) {
  Host host;
  torch::nn::Module owner;
  SamDecoderSpec spec;
  spec.channels = 24;
  EXPECT_THAT(testing::message_of([&] { SamDecoder(owner, host, spec); }),
              HasSubstr("24 channels cannot be shared by 8 heads"));
}

TEST(SamDecoder, RefusesAPatchThatIsNoWholeNumberOfCells) {
  Host host;
  torch::nn::Module owner;
  SamDecoderSpec spec;
  spec.patch = {1024, 1000};
  EXPECT_THAT(testing::message_of([&] { SamDecoder(owner, host, spec); }),
              HasSubstr("1000 pixels along x is no whole number of the embedding's cells of 16 pixels"));
}

}  // namespace
}  // namespace lamina::nn
