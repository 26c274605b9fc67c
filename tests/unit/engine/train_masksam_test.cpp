// A small MaskSAM through the trainer: what trains moves, what is frozen stays bit for bit.
#include "training_fixture.hpp"

#include "engine/train/initial_model.hpp"

namespace lamina::engine::testing {

class MaskSamTraining : public TrainingTest {
 protected:
  /// As the paper trains: SAM's own tensors are frozen but for the classifier's.
  const std::vector<std::string> words_{
      R"(model={"encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 8, "depth": 2, "heads": 2, "patch_size": 4,
                            "window": 2, "global_blocks": [1], "out_channels": 8},
                "adapters": [{"id": "stem", "type": "conv_stem", "at": ["encoder.image"]},
                             {"id": "depth_pos", "type": "depth_embedding", "at": ["encoder.embed"]},
                             {"id": "enc", "type": "depth_conv", "at": ["encoder.blocks.*.attn.out"]},
                             {"id": "dec", "type": "depth_mlp", "at": ["decoder.layers.*.self_attn.out"]}],
                "prompter": {"type": "masksam", "queries": 4, "channels": [8, 8, 4], "mask_prompt": "soft"},
                "decoder": {"type": "mask_classifier", "background": "ignore", "heads": 2, "mlp_channels": 16,
                            "upscale_channels": [4, 4]}})",
      R"(loss={"type": "set_match", "background": "ignore", "points": 0})",
      R"(train.trainable=["adapters.**", "prompter.**", "decoder.classifier_*.**"])"};
};

TEST_F(MaskSamTraining, MovesWhatTrainsAndNothingElse) {
  const Experiment one = experiment(words_);
  const auto model = initial_model(one, Balls({}, {}).info(), registry);
  StateDict before;
  for (const auto& [name, tensor] : kept_weights(*model, "all")) before[name] = tensor.detach().clone();
  run("masksam", words_);
  const TensorDict after = checkpoint("masksam").model;
  size_t frozen = 0;
  std::vector<std::string> still;
  for (const auto& item : model->named_parameters()) {
    const bool same_bits = same(after.at(item.key()), before.at(item.key()));
    if (!item.value().requires_grad()) {
      ++frozen;
      EXPECT_TRUE(same_bits) << item.key() << " is frozen and moved";
    } else if (same_bits) {
      still.push_back(item.key());
    }
  }
  EXPECT_GT(frozen, 60);
  EXPECT_THAT(still, ::testing::IsEmpty()) << "these train and did not move";
}

}  // namespace lamina::engine::testing
