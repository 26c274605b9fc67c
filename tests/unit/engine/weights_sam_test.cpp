// SAM's published layouts from every kind of file: zero names missing, zero left over, every number in its place.
#include "made_numbers.hpp"
#include "training_fixture.hpp"

#include "engine/weights/name_map.hpp"
#include "engine/weights/pretrained.hpp"
#include "engine/weights/weights_kind.hpp"

#include <lamina/model/model.hpp>
#include <lamina/model/weights.hpp>

#include <set>

namespace lamina::engine::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string sam_golden(const std::string& name) {
  return std::string(LAMINA_TEST_SOURCE_DIR) + "/tests/parity/torch_files/" + name;
}

struct Layout {
  std::string letter;
  int64_t depth;
  std::string global_blocks;
  size_t tensors;  ///< published
  friend std::ostream& operator<<(std::ostream& out, const Layout& one) { return out << one.letter; }
};

class SamFiles : public TrainingTest, public ::testing::WithParamInterface<Layout> {
 protected:
  std::shared_ptr<Model> model() const {
    const std::string section = text(
        R"({"encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 4, "heads": 2, "depth": )", GetParam().depth,
        R"(, "global_blocks": [)", GetParam().global_blocks, R"(], "window": 2, "out_channels": 8, "table": 4},
            "adapters": [], "prompter": {"type": "none"}, "decoder": {"type": "sam_mask", "heads": 2, "mlp_channels": 8}})");
    return Model::build(registry, ConfigNode::parse(section), {3, 2, {1, 64, 64}});
  }

  /// Strictly: whatever is missing or left over throws.
  StateDict loaded(const std::string& start, const std::string& ending, const std::string& map) const {
    const auto one = model();
    WeightsEntry entry;
    entry.file = sam_golden(start + "_" + GetParam().letter + ending);
    entry.map = map;
    const LoadReport report = load_pretrained(*one, entry, {});
    EXPECT_TRUE(report.complete()) << report.summary();
    EXPECT_EQ(report.loaded.size(), GetParam().tensors);
    EXPECT_TRUE(report.resized.empty());
    return state_of(*one);
  }
};

TEST_P(SamFiles, EveryNumberOfAPthIsInItsPlace) {
  const StateDict state = loaded("sam", ".pth", "sam");
  const auto names = list_weights_file(sam_golden("sam_" + GetParam().letter + ".pth")).tensors;
  ASSERT_EQ(names.size(), GetParam().tensors);
  for (size_t i = 0; i < names.size(); ++i) {
    const torch::Tensor& tensor = state.at(renamed(names[i].name, "sam"));
    EXPECT_TRUE(torch::equal(tensor, lamina::testing::made(static_cast<int64_t>(i), tensor.sizes().vec(), -1, 1)))
        << names[i].name;
  }
}

TEST_P(SamFiles, SafetensorsAndTransformersGiveTheSame) {
  const StateDict state = loaded("sam", ".pth", "sam");
  for (const auto& other : {loaded("sam", ".safetensors", "sam"), loaded("hf", ".safetensors", "hf_sam"),
                            loaded("sam", ".pth", "sam_hq")}) {
    ASSERT_EQ(other.size(), state.size());
    for (const auto& [name, tensor] : state) EXPECT_TRUE(torch::equal(tensor, other.at(name))) << name;
  }
}

TEST_P(SamFiles, AreRecognised) {
  const auto kind = [&](const std::string& file) { return kind_of(list_weights_file(sam_golden(file))); };
  const std::string size = text(" with a ViT of width 4 and depth ", GetParam().depth);
  const WeightsKind own = kind("sam_" + GetParam().letter + ".pth");
  EXPECT_EQ(own.variant, "SAM" + size);
  EXPECT_EQ(own.map, "sam");
  EXPECT_TRUE(own.foreign.empty());
  const WeightsKind theirs = kind("hf_" + GetParam().letter + ".safetensors");
  EXPECT_EQ(theirs.variant, "SAM" + size + ", transformers' names");
  EXPECT_EQ(theirs.map, "hf_sam");
  EXPECT_TRUE(theirs.foreign.empty());
}

INSTANTIATE_TEST_SUITE_P(Layouts, SamFiles,
                         ::testing::Values(Layout{"b", 12, "2, 5, 8, 11", 314}, Layout{"l", 24, "5, 11, 17, 23", 482},
                                           Layout{"h", 32, "7, 15, 23, 31", 594}),
                         [](const auto& info) { return info.param.letter; });

// -- names alone

/// "name 3,4" a line.
std::vector<TensorEntry> names_in(const std::string& file) {
  std::ifstream in(sam_golden(file));
  std::vector<TensorEntry> entries;
  for (std::string name, shape; in >> name >> shape;) {
    TensorEntry entry{name, "F32", {}};
    for (const auto& size : split(shape, ',')) entry.shape.push_back(std::stoll(size));
    entries.push_back(entry);
  }
  return entries;
}

std::map<std::string, std::vector<int64_t>> renamed_shapes(const std::vector<TensorEntry>& entries,
                                                           const std::string& map) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& entry : entries) shapes[renamed(entry.name, map)] = entry.shape;
  return shapes;
}

TEST(HqSamNames, AreThoseOfTransformersToo) {
  const auto own = names_in("names_sam_hq.txt"), theirs = names_in("names_hf_sam_hq.txt");
  ASSERT_EQ(own.size(), 339U);
  ASSERT_EQ(theirs.size(), 340U) << "transformers has the Gaussian matrix twice";
  EXPECT_EQ(renamed_shapes(own, "sam_hq"), renamed_shapes(theirs, "hf_sam"));
  EXPECT_TRUE(renamed_shapes(own, "sam_hq").contains("decoder.compress_vit_feat.3.weight"));
  EXPECT_THAT(kind_of({WeightsFormat::Torch, own, {}, {}}).variant, HasSubstr("HQ-SAM with a ViT"));
  EXPECT_EQ(kind_of({WeightsFormat::Torch, own, {}, {}}).map, "sam_hq");
  EXPECT_THAT(kind_of({WeightsFormat::Safetensors, theirs, {}, {}}).variant,
              AllOf(HasSubstr("HQ-SAM"), HasSubstr("transformers")));
}

WeightsList list_of_names(const std::vector<std::string>& names) {
  WeightsList list{WeightsFormat::Torch, {}, {"epoch"}, {}};
  for (const auto& name : names) list.tensors.push_back({name, "F32", {1, 64, 64, 768}});
  return list;
}

TEST(WeightsKinds, AreSeenThroughWhatIsWrappedAroundThem) {
  std::vector<std::string> names{"state_dict.module.image_encoder.pos_embed", "state_dict.module.pixel_mean",
                                 "optimizer.state.0.exp_avg"};
  for (int i = 0; i < 12; ++i) names.push_back(text("state_dict.module.image_encoder.blocks.", i, ".norm1.weight"));
  const WeightsKind kind = kind_of(list_of_names(names));
  EXPECT_EQ(kind.variant, "SAM ViT-B");
  EXPECT_EQ(kind.map, "sam");
  EXPECT_THAT(kind.foreign,
              ::testing::UnorderedElementsAre("epoch", "state_dict.module.pixel_mean", "optimizer.state.0.exp_avg"));
}

TEST(WeightsKinds, OtherFamilies) {
  EXPECT_EQ(kind_of(list_of_names({"image_encoder.patch_embed.seq.0.c.weight"})).variant, "MobileSAM");
  EXPECT_EQ(kind_of(list_of_names(
                        {"network_weights.bbox_conv.0.weight", "network_weights.sam_model.image_encoder.pos_embed"}))
                .map,
            "masksam");
  EXPECT_EQ(
      kind_of(list_of_names({"image_encoder.FacTu.weight", "q_FacTs_000", "mask_decoder.iou_token.weight"})).variant,
      "MA-SAM");
  EXPECT_EQ(kind_of(list_of_names({"w_a_000", "w_b_000", "mask_decoder.iou_token.weight"})).map, "samed");
  EXPECT_EQ(kind_of(list_of_names({"encoder.a", "decoder.b"})).variant, "a model of lamina");
  EXPECT_EQ(kind_of(list_of_names({"layer1.0.conv1.weight"})).variant, "unknown");
  EXPECT_EQ(kind_of(list_of_names({})).map, "none");
}

TEST(WeightsNames, TwoNamesOfOneTableAreOneUnlessTheyDiffer) {
  const torch::Tensor table = torch::rand({2, 4});
  const Renamed both = rename({{"shared_image_embedding.positional_embedding", table},
                               {"prompt_encoder.shared_embedding.positional_embedding", table.clone()}},
                              "hf_sam");
  EXPECT_EQ(both.state.size(), 1U);
  EXPECT_EQ(both.dropped.size(), 1U);
  EXPECT_THAT(
      [&] {
        rename({{"shared_image_embedding.positional_embedding", table},
                {"prompt_encoder.shared_embedding.positional_embedding", table + 1}},
               "hf_sam");
      },
      ThrowsMessage<DataError>(HasSubstr("of two names with different values")));
}

}  // namespace
}  // namespace lamina::engine::testing
