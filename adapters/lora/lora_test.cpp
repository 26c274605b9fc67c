// LoRA against PyPI peft (tests/parity/make_lora.py), apart from the map and folded into it, and at work in encoders.
#include "lora.hpp"

#include "adapter_test.hpp"
#include "sam_encoder.hpp"

#include <lamina/model/merged_maps.hpp>

namespace lamina {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::largest_difference;

const TensorDict& golden() {
  static const TensorDict tensors = testing::golden_file("lora");
  return tensors;
}

/// "qkv", three fused maps, or "proj", one.
Site golden_site(const std::string& name) {
  Site site{"blocks.0.attn." + name,
            SiteKind::Projection,
            Layout::Grid,
            12,
            name == "qkv" ? 30 : 10,
            name == "qkv" ? 3 : 1,
            {}};
  site.map = {golden().at(name + ".weight"), golden().at(name + ".bias")};
  return site;
}

std::shared_ptr<LoraUnit> golden_unit(const std::string& name) {
  LoraOptions options;
  options.rank = 3;
  options.alpha = 6;
  auto unit = std::make_shared<LoraUnit>(options, golden_site(name));
  StateDict weights;
  for (const auto& [key, tensor] : golden()) {
    if (key.starts_with(name + ".linear_") && key.ends_with(".weight")) weights[key.substr(name.size() + 1)] = tensor;
  }
  load_state_strictly(*unit, weights, "the golden file");
  return unit;
}

/// The site's map with the unit in it.
torch::Tensor run(LoraUnit& unit, const Site& site, const torch::Tensor& input) {
  Scene scene(Mode::Infer);
  const Axes axes;
  return unit.apply({site, input, at::linear(input, site.map.weight, site.map.bias), axes, scene});
}

class LoraParity : public ::testing::TestWithParam<const char*> {};

TEST_P(LoraParity, EqualsPeft) {
  const std::string name = GetParam();
  const torch::Tensor output = run(*golden_unit(name), golden_site(name), golden().at("input"));
  EXPECT_LE(largest_difference(output, golden().at(name + ".output")), 1e-5);
  EXPECT_GT(output.std().item<double>(), 1);
}

TEST_P(LoraParity, FoldsIntoTheWeightThatPeftMerges) {
  const std::string name = GetParam();
  const Site site = golden_site(name);
  const auto merged = golden_unit(name)->merge(site, site.map);
  ASSERT_TRUE(merged);
  EXPECT_LE(largest_difference(merged->weight, golden().at(name + ".merged_weight")), 1e-5);
  EXPECT_GT(largest_difference(merged->weight, site.map.weight), 0.5);
  EXPECT_TRUE(merged->bias.is_same(site.map.bias));
  const torch::Tensor output = at::linear(golden().at("input"), merged->weight, merged->bias);
  EXPECT_LE(largest_difference(output, golden().at(name + ".output")), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Maps, LoraParity, ::testing::Values("qkv", "proj"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Lora, SendsPeftsGradientsToItsFactors) {
  const auto unit = golden_unit("qkv");
  (run(*unit, golden_site("qkv"), golden().at("input")) * golden().at("qkv.upstream")).sum().backward();
  for (const auto& item : unit->named_parameters()) {
    std::string name = "qkv." + item.key();
    name.replace(name.rfind("weight"), 6, "gradient");
    EXPECT_LE(largest_difference(item.value().grad(), golden().at(name)), 1e-4) << name;
  }
}

TEST(Lora, ChangesNothingOfThePartsThatAreNotChosen) {
  const Site site = golden_site("qkv");
  const torch::Tensor input = golden().at("input");
  const torch::Tensor difference =
      run(*golden_unit("qkv"), site, input) - at::linear(input, site.map.weight, site.map.bias);
  EXPECT_EQ(difference.slice(-1, 10, 20).abs().max().item<double>(), 0);
  EXPECT_GT(difference.slice(-1, 0, 10).abs().min().item<double>(), 0);
}

// TinyViT keeps q, k and v head by head: [head, q k v, width].
TEST(Lora, FindsItsPartsInMapsThatAreFusedHeadByHead) {
  const auto unit = golden_unit("qkv");
  Site site = golden_site("qkv");
  const auto by_head = [](const torch::Tensor& rows) {  // [3, 2 heads, 5, ...] -> [2, 3, 5, ...]
    return rows.unflatten(0, {3, 2, 5}).transpose(0, 1).flatten(0, 2).contiguous();
  };
  site.map = {by_head(site.map.weight), by_head(site.map.bias)};
  site.parts = 6;
  LoraOptions options;
  options.rank = 3;
  options.alpha = 6;
  LoraUnit heads(options, site);
  load_state(heads, state_of(*unit));
  const torch::Tensor expected = by_head(golden().at("qkv.output").flatten(0, -2).t()).t();
  EXPECT_LE(largest_difference(run(heads, site, golden().at("input")).flatten(0, -2), expected), 1e-5);
  const auto merged = heads.merge(site, site.map);
  EXPECT_LE(largest_difference(merged->weight, by_head(golden().at("qkv.merged_weight"))), 1e-5);
}

TEST(Lora, CountsItsChangeOnceUnlessAlphaSaysOtherwise) {
  EXPECT_EQ(LoraOptions().factor(), 1);
  LoraOptions options;
  options.rank = 8;
  options.alpha = 16;
  EXPECT_EQ(options.factor(), 2);
}

TEST(Lora, LeavesOutSomeOfItsInputWhileTrainingOnly) {
  LoraOptions options;
  options.dropout = 0.5;
  const Site site = golden_site("proj");
  LoraUnit unit(options, site);
  testing::redraw(unit);
  const torch::Tensor input = golden().at("input");
  const torch::Tensor trained = run(unit, site, input);
  unit.eval();
  const torch::Tensor predicted = run(unit, site, input);
  EXPECT_GT(largest_difference(trained, predicted), 1e-3);
  EXPECT_TRUE(torch::equal(run(unit, site, input), predicted));
}

std::string adapted(const std::string& encoder, const std::string& options) {
  return text(R"({"encoder": )", encoder, R"(, "adapters": [{"type": "lora", "id": "lora")", options,
              R"(}], "decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 4, "mlp_channels": 16}})");
}

constexpr const char* kTiny = R"({"type": "sam_vit", "size": "tiny"})";
const ModelSetup kSetup{1, 3, {2, 64, 64}};

// H-SAM's rank 5 on q and v: the count of its sheet. SAMed's is 4.
TEST(Lora, HasTheNamesAndSizesOfSamed) {
  LoraOptions options;
  options.rank = 5;
  const Site site{"blocks.0.attn.qkv", SiteKind::Projection, Layout::Grid, 768, 3 * 768, 3, {}};
  const LoraUnit unit(options, site);
  EXPECT_EQ(12 * testing::parameter_count(unit), 184320);
  const StateDict state = state_of(unit);
  EXPECT_EQ(state.size(), 4U);
  for (const std::string part : {"q", "v"}) {
    EXPECT_THAT(state.at("linear_a_" + part + ".weight").sizes(), ElementsAre(5, 768));
    EXPECT_THAT(state.at("linear_b_" + part + ".weight").sizes(), ElementsAre(768, 5));
  }
}

TEST(Lora, LeavesTheNetworkAsItWasAtTheStart) {
  const auto plain = testing::build_model(
      text(R"({"encoder": )", kTiny,
           R"(, "decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 4, "mlp_channels": 16}})"),
      kSetup);
  testing::redraw(*plain);
  const auto model = testing::build_model(adapted(kTiny, ""), kSetup);
  load_state(*model, state_of(*plain));
  const torch::Tensor image = testing::normal({1, 1, 2, 64, 64});
  const torch::NoGradGuard no_grad;
  EXPECT_LE(largest_difference(testing::classes(*model, image), testing::classes(*plain, image)), 1e-5);
}

class LoraInEncoders : public ::testing::TestWithParam<const char*> {};

// Windowed and global blocks, q, k and v, and the maps beside them.
TEST_P(LoraInEncoders, MergedEqualsUnmerged) {
  const auto model = testing::build_model(
      adapted(
          text(R"({"type": ")", GetParam(), R"(", "size": "tiny"})"),
          R"(, "parts": ["q", "k", "v"], "alpha": 8, "at": ["encoder.**.{qkv,proj}", "decoder.layers.*.*.q_proj"])"),
      kSetup);
  testing::redraw(*model);
  for (const auto& item : model->named_parameters()) {
    const torch::NoGradGuard no_grad;
    if (item.key().starts_with("adapters.")) item.value().mul_(3);
  }
  const torch::Tensor image = testing::normal({2, 1, 2, 64, 64});
  const torch::NoGradGuard no_grad;
  const torch::Tensor unmerged = testing::classes(*model, image);
  torch::Tensor merged;
  {
    const MergedMaps folded(*model);
    merged = testing::classes(*model, image);
  }
  EXPECT_LE(largest_difference(merged, unmerged), 1e-5 * std::max(1.0, unmerged.abs().max().item<double>()));
  EXPECT_GT(largest_difference(merged, unmerged), 0) << "nothing was folded";
  EXPECT_TRUE(torch::equal(testing::classes(*model, image), unmerged)) << "the maps stayed folded";
}

TEST_P(LoraInEncoders, GradientsReachEveryFactor) {
  const auto model = testing::build_model(
      adapted(text(R"({"type": ")", GetParam(), R"(", "size": "tiny"})"), R"(, "at": "encoder.**.{qkv,proj}")"),
      kSetup);
  testing::redraw(*model);
  const torch::Tensor classes = testing::classes(*model, testing::normal({1, 1, 2, 64, 64}));
  model->zero_grad();
  (classes * testing::normal(classes.sizes().vec(), 4)).sum().backward();
  int factors = 0;
  for (const auto& item : model->named_parameters()) {
    if (!item.key().starts_with("adapters.")) continue;
    ++factors;
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
  EXPECT_GT(factors, 8);
}

INSTANTIATE_TEST_SUITE_P(Backbones, LoraInEncoders, ::testing::Values("sam_vit", "mobile_sam"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Lora, ComputesTheSameAfterSavingAndLoading) {
  const torch::Tensor image = testing::normal({1, 1, 2, 64, 64});
  testing::expect_reload_equal<Model>([] { return testing::build_model(adapted(kTiny, ""), kSetup); },
                                      [&](Model& model) { return testing::classes(model, image).detach(); });
}

TEST(Lora, RefusesWhatItCannotChange) {
  const auto refusal = [](const std::string& options) {
    return testing::message_of([&] { testing::build_model(adapted(kTiny, options), kSetup); });
  };
  EXPECT_THAT(refusal(R"(, "at": "encoder.blocks.*.attn.out")"), HasSubstr("this site holds features"));
  EXPECT_THAT(refusal(R"(, "rank": 0)"), HasSubstr("rank"));
  EXPECT_THAT(refusal(R"(, "rank": 4000)"), HasSubstr("is no low rank for a map of"));
  EXPECT_THAT(refusal(R"(, "alpha": 0)"), HasSubstr("alpha: is 0, so nothing would change"));
  EXPECT_THAT(refusal(R"(, "parts": [])"), HasSubstr("parts: is empty, so nothing would change"));
  EXPECT_THAT(refusal(R"(, "parts": ["q", "q"])"), HasSubstr("parts[1]: 'q' is named twice"));
  EXPECT_THAT(refusal(R"(, "parts": ["w"])"), HasSubstr("texts out of q, k, v"));
}

}  // namespace
}  // namespace lamina
