// FacT against its formula (tests/parity/make_lora.py), and the sharing of its factors.
#include "fact.hpp"

#include "adapter_test.hpp"

#include <lamina/model/merged_maps.hpp>

namespace lamina {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::largest_difference;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("fact");
  return tensors;
}

Site golden_site(int64_t layer) {
  Site site{text("blocks.", layer, ".attn.qkv"), SiteKind::Projection, Layout::Grid, 12, 30, 3, {}};
  site.map = {golden().at(text(layer, ".weight")), golden().at(text(layer, ".bias"))};
  return site;
}

FactOptions golden_options() {
  FactOptions options;
  options.rank = 4;
  options.scale = 0.5;
  return options;
}

const HostInfo kHost{Room::Encoder, {}, {}};

/// Two layers with one pair of outer factors, as a model attaches them.
struct TwoLayers {
  TwoLayers() : adapter(golden_options(), {}) {
    StateDict state{{"FacTu.weight", golden().at("FacTu.weight")}, {"FacTv.weight", golden().at("FacTv.weight")}};
    for (int64_t layer = 0; layer < 2; ++layer) {
      units.push_back(adapter.attach(golden_site(layer), kHost));
      adapter.register_module(std::to_string(layer), units.back());
      for (const char* part : {"q", "v"})
        state[text(layer, ".", part, "_FacTs.weight")] = golden().at(text(layer, ".", part, "_FacTs.weight"));
    }
    load_state_strictly(adapter, state, "the golden file");
    adapter.eval();
  }
  torch::Tensor run(int64_t layer) {
    Scene scene(Mode::Infer);
    const Axes axes;
    const Site site = golden_site(layer);
    const torch::Tensor input = golden().at("input");
    SiteHook& unit = *units[static_cast<size_t>(layer)];
    return unit.apply({site, input, at::linear(input, site.map.weight, site.map.bias), axes, scene});
  }
  Fact adapter;
  std::vector<std::shared_ptr<AdapterUnit>> units;
};

TEST(Fact, EqualsItsFormulaWithFactorsSharedByTwoLayers) {
  TwoLayers layers;
  for (int64_t layer = 0; layer < 2; ++layer)
    EXPECT_LE(largest_difference(layers.run(layer), golden().at(text(layer, ".output"))), 1e-5);
}

TEST(Fact, FoldsIntoTheWeight) {
  const TwoLayers layers;
  for (int64_t layer = 0; layer < 2; ++layer) {
    const Site site = golden_site(layer);
    const auto merged = layers.units[static_cast<size_t>(layer)]->merge(site, site.map);
    ASSERT_TRUE(merged);
    const torch::Tensor output = at::linear(golden().at("input"), merged->weight, merged->bias);
    EXPECT_LE(largest_difference(output, golden().at(text(layer, ".output"))), 1e-5);
    EXPECT_TRUE(torch::equal(merged->weight.slice(0, 10, 20), site.map.weight.slice(0, 10, 20))) << "k changed";
  }
}

TEST(Fact, LeavesOutSomeOfItsRankWhileTrainingOnly) {
  TwoLayers layers;
  const torch::Tensor predicted = layers.run(0);
  layers.adapter.train();
  EXPECT_GT(largest_difference(layers.run(0), predicted), 1e-3);
}

std::string adapted(const std::string& options) {
  return R"({"encoder": {"type": "sam_vit", "size": "tiny"}, "adapters": [{"type": "fact", "id": "fact")" + options +
         R"(}], "decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 4, "mlp_channels": 16}})";
}

const ModelSetup kSetup{1, 3, {2, 64, 64}};
constexpr const char* kRank4 = R"(, "rank": 4, "dropout": 0)";

// 2 * 32 * 768 for the outer factors, 2 * 32 * 32 in each of 12 blocks: the sheet of MA-SAM, 73,728 in ViT-B.
TEST(Fact, HasTheNamesAndSizesOfMaSam) {
  for (const auto& [width, depth, expected] :
       {std::tuple<int64_t, int64_t, int64_t>{768, 12, 73728}, {1024, 24, 114688}, {1280, 32, 147456}}) {
    Fact adapter({}, {});
    for (int64_t block = 0; block < depth; ++block) {
      const Site site{text("blocks.", block, ".attn.qkv"), SiteKind::Projection, Layout::Grid, width, 3 * width, 3, {}};
      adapter.register_module(std::to_string(block), adapter.attach(site, kHost));
    }
    EXPECT_EQ(testing::parameter_count(adapter), expected);
    const StateDict state = state_of(adapter);
    EXPECT_THAT(state.at("FacTu.weight").sizes(), ElementsAre(32, width));
    EXPECT_THAT(state.at("FacTv.weight").sizes(), ElementsAre(width, 32));
    EXPECT_THAT(state.at("0.q_FacTs.weight").sizes(), ElementsAre(32, 32));
    EXPECT_EQ(state.size(), static_cast<size_t>(2 + 2 * depth));
  }
}

TEST(Fact, StartsAsTheIdentity) {
  Fact adapter(golden_options(), {});
  const Site site = golden_site(0);
  const auto unit = adapter.attach(site, kHost);
  unit->eval();
  const torch::Tensor output = golden().at("0.output");
  Scene scene(Mode::Infer);
  const Axes axes;
  SiteHook& hook = *unit;
  EXPECT_TRUE(torch::equal(hook.apply({site, golden().at("input"), output, axes, scene}), output));
}

TEST(Fact, KeepsFactorsOfItsOwnAtEachSiteWhereAsked) {
  const auto model = testing::build_model(
      adapted(text(kRank4, R"(, "share": false, "at": ["encoder.blocks.*.{attn.qkv,mlp.lin1}"])")), kSetup);
  const auto parameters = model->named_parameters();
  EXPECT_TRUE(parameters.contains("adapters.fact.encoder/blocks/0/attn/qkv.FacTu.weight"));
  EXPECT_TRUE(parameters.contains("adapters.fact.encoder/blocks/0/mlp/lin1.FacTs.weight"));
  EXPECT_FALSE(parameters.contains("adapters.fact.FacTu.weight"));
}

TEST(Fact, MergedEqualsUnmerged) {
  const auto model = testing::build_model(adapted(R"(, "rank": 4, "parts": ["q", "k", "v"])"), kSetup);
  testing::redraw(*model);
  model->set_mode(Mode::Infer);
  const torch::Tensor image = testing::normal({2, 1, 2, 64, 64});
  const torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters()) {
    if (item.key().starts_with("adapters.")) item.value().mul_(5);
  }
  const torch::Tensor unmerged = testing::classes(*model, image);
  const MergedMaps folded(*model);
  const torch::Tensor merged = testing::classes(*model, image);
  EXPECT_LE(largest_difference(merged, unmerged), 1e-5 * std::max(1.0, unmerged.abs().max().item<double>()));
  EXPECT_GT(largest_difference(merged, unmerged), 0) << "nothing was folded";
}

TEST(Fact, GradientsReachEveryFactor) {
  TwoLayers layers;
  testing::redraw(layers.adapter);
  const torch::Tensor loss = layers.run(0).pow(2).mean() + layers.run(1).pow(2).mean();
  testing::expect_gradients(layers.adapter, loss);
}

TEST(Fact, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = testing::normal({1, 1, 2, 64, 64});
  testing::expect_reload_equal<Model>([] { return testing::build_model(adapted(kRank4), kSetup); },
                                      [&](Model& model) { return testing::classes(model, image).detach(); });
}

TEST(Fact, RefusesWhatItCannotChange) {
  const auto refusal = [](const std::string& options) {
    return testing::message_of([&] { testing::build_model(adapted(options), kSetup); });
  };
  EXPECT_THAT(refusal(R"(, "at": ["encoder.blocks.*.{attn.qkv,mlp.lin1}"])"),
              HasSubstr("its outer factors are shared by maps of"));
  EXPECT_THAT(refusal(R"(, "at": ["encoder.blocks.*.mid"])"), HasSubstr("this site holds features"));
  EXPECT_THAT(refusal(R"(, "rank": 0)"), HasSubstr("rank"));
  EXPECT_THAT(refusal(R"(, "dropout": 1)"), HasSubstr("dropout"));
  EXPECT_THAT(refusal(R"(, "parts": [])"), HasSubstr("parts: is empty"));
}

}  // namespace
}  // namespace lamina
