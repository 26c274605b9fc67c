// Methods learn from the labels of the phantom: each scores above its untuned self and above the same method on labels
// in random order. Slow.
#include "training_fixture.hpp"

namespace lamina::engine::testing {

struct Method {
  const char *name, *model, *trainable;
  std::vector<std::string> more{};
};

constexpr const char* kEncoder = R"("encoder": {"type": "sam_vit", "size": "tiny"})";

const Method kMethods[] = {
    // A few thousand parameters on an encoder that never learned anything: more steps, larger ones.
    {"linear_head",
     R"("decoder": "linear_head")",
     R"(["decoder.**"])",
     {"train.epochs=12", "train.validate_every=12", "train.optimizer.lr=0.02"}},
    {"cnn_head", R"("decoder": {"type": "cnn_head", "depth": 2, "channels": 8})", R"(["decoder.**"])"},
    {"vit_head", R"("decoder": {"type": "vit_head", "heads": 4, "mlp_channels": 64})", R"(["decoder.**"])"},
    {"h_sam",
     R"("decoder": {"type": "hierarchical", "heads": 4, "mlp_channels": 64, "cmattn_channels": 64, "hyper_layers": 3},
        "adapters": [{"id": "lora", "type": "lora", "at": ["encoder.blocks.*.attn.qkv"]}])",
     R"(["adapters.**", "decoder.**"])"},
    {"samed",
     R"("decoder": {"type": "sam_mask", "mask_tokens": "per_class", "heads": 4, "mlp_channels": 64},
        "adapters": [{"id": "lora", "type": "lora", "at": ["encoder.blocks.*.attn.qkv"]}])",
     R"(["adapters.**", "decoder.**"])"},
    {"ma_sam",
     R"("decoder": {"type": "sam_mask", "mask_tokens": "per_class", "upscale": 16, "upscale_channels": [16, 8, 8, 8],
                    "heads": 4, "mlp_channels": 64},
        "adapters": [{"id": "fact", "type": "fact", "rank": 8},
                     {"id": "depth", "type": "conv3d_serial", "channels": 24}])",
     R"(["adapters.**", "decoder.**"])"}};

class LearningSlow : public TrainingTest, public ::testing::WithParamInterface<Method> {
 protected:
  /// Mean Dice of the validation cases at the end.
  double dice_of(const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> words{
        R"(dataset={"type": "phantom", "size": [6, 32, 32], "spacing": [10, 3, 3], "classes": 3, "contrast": 0.2,
                    "noise": 0.03, "cases": {"train": 8, "val": 4, "test": 1}})",
        R"(prepare=[{"id": "norm", "type": "zscore"}])",
        "augment=[]",
        text("model={", kEncoder, ", ", GetParam().model, "}"),
        text("train.trainable=", GetParam().trainable),
    };
    for (const char* word : {"train.patch=[2,32,32]", "train.batch=4", "train.epochs=4", "train.iterations=30",
                             "train.validate_every=4", "train.optimizer.lr=0.003", "train.clip=12"})
      words.emplace_back(word);
    for (const auto* list : {&GetParam().more, &more}) words.insert(words.end(), list->begin(), list->end());
    return run(name, words).best_score;
  }
};

TEST_P(LearningSlow, BeatsItsUntunedSelfAndShuffledLabels) {
  const double learned = dice_of("learned", {});
  const double untuned = dice_of("untuned", {"train.optimizer.lr=0"});
  const double shuffled = dice_of("shuffled", {R"(augment=[{"id": "shuffle", "type": "shuffle_labels"}])"});
  std::cout << GetParam().name << ": learned " << learned << ", untuned " << untuned << ", shuffled labels " << shuffled
            << "\n";
  EXPECT_GT(learned, untuned + 0.1);
  EXPECT_GT(learned, shuffled + 0.1);
}

INSTANTIATE_TEST_SUITE_P(OnThePhantom, LearningSlow, ::testing::ValuesIn(kMethods),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace lamina::engine::testing
