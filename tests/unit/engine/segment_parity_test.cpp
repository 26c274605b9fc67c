// Promptable use of SAM against PyPI segment-anything (tests/parity/make_segment.py): images, prompts, automatic masks.
#include "engine/segment/sam_model.hpp"

#include "experiment_fixture.hpp"
#include "golden_file.hpp"

#include <lamina/plugin/loader.hpp>
#include <lamina/segment/mask_generator.hpp>

#include <torch/utils.h>

namespace lamina::engine::testing {

constexpr const char* kSmallSam = R"({
  "encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 32, "depth": 2, "heads": 2, "patch_size": 8, "window": 3,
              "global_blocks": [1], "out_channels": 24},
  "decoder": {"type": "sam_mask", "heads": 3, "mlp_channels": 40}})";

class SegmentParity : public lamina::testing::FolderTest {
 protected:
  SegmentParity() {
    TensorDict weights;
    for (const auto& [name, tensor] : golden_) {
      if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
    }
    write_safetensors(folder / "small.safetensors", weights);
    std::ofstream(folder / "small.json") << kSmallSam;
    discover_plugins(registry_, {LAMINA_TEST_PLUGIN_DIR});
    SamChoice choice;
    choice.model = (folder / "small.json").string();
    choice.weights = (folder / "small.safetensors").string();
    choice.square = 64;
    predictor_ = std::make_unique<Predictor>(open_sam(choice, registry_));
  }

  torch::Tensor golden(const std::string& name) const { return golden_.at(name); }
  /// To five digits of the largest value.
  void expect_near(const torch::Tensor& ours, const std::string& name) const {
    const torch::Tensor theirs = golden(name).to(torch::kFloat64);
    ASSERT_EQ(ours.numel(), theirs.numel()) << name;
    EXPECT_LE((ours.to(torch::kFloat64).reshape(theirs.sizes()) - theirs).abs().max().item<double>(),
              2e-5 * theirs.abs().max().item<double>())
        << name;
  }

  const TensorDict golden_ = lamina::testing::golden_file("segment");
  Registry registry_;
  std::unique_ptr<Predictor> predictor_;
};

TEST_F(SegmentParity, ResizesToTheSameBytes) {
  for (const std::string name : {"grow", "shrink", "same", "tall"}) {
    const torch::Tensor theirs = golden(name + ".resized");
    const torch::Tensor ours = resize_bytes(golden(name + ".image"), theirs.size(1), theirs.size(2));
    EXPECT_TRUE(torch::equal(ours, theirs)) << name << ": " << ours.ne(theirs).sum().item<int64_t>() << " bytes differ";
  }
}

TEST_F(SegmentParity, AnswersPromptsOnImagesOfAllShapes) {
  for (const std::string name : {"grow", "shrink", "same", "tall"}) {
    predictor_->set_image(golden(name + ".image"));
    expect_near(predictor_->embedding(), name + ".embedding");
    Prompts prompts;
    prompts.points = golden(name + ".points").unsqueeze(0);
    prompts.point_labels = golden(name + ".labels").unsqueeze(0);
    prompts.multimask = true;
    const PromptedMasks first = predictor_->predict(prompts);
    expect_near(first.low_res, name + ".first.low_res");
    expect_near(first.quality, name + ".first.quality");
    // The second of the three goes back as a mask prompt, beside points and a box.
    prompts.boxes = golden(name + ".box").unsqueeze(0);
    prompts.mask_logits = first.low_res.slice(1, 1, 2);
    prompts.multimask = false;
    const PromptedMasks second = predictor_->predict(prompts);
    expect_near(second.logits, name + ".second.masks");
    expect_near(second.quality, name + ".second.quality");
    EXPECT_GT(second.logits.std().item<double>(), 0.5) << "masks without spread would compare nothing";
  }
}

TEST_F(SegmentParity, AKeptEmbeddingAnswersAsTheImage) {
  const torch::Tensor image = golden("tall.image");
  Prompts prompts;
  prompts.boxes = golden("tall.box").unsqueeze(0);
  predictor_->set_image(image);
  const torch::Tensor expected = predictor_->predict(prompts).logits, embedding = predictor_->embedding();
  predictor_->set_image(golden("grow.image"));
  predictor_->set_embedding(embedding, image.size(1), image.size(2));
  EXPECT_TRUE(torch::equal(predictor_->predict(prompts).logits, expected));
}

TEST_F(SegmentParity, FindsTheSameMasksEverywhere) {
  MaskGeneratorOptions options;
  options.points = 12;
  options.batch = 20;
  options.quality = options.stability = 0.05;
  options.overlap = options.crop_nms = 0.97;
  for (const std::string name : {"whole", "crops", "cleaned"}) {
    options.crop_layers = name == "crops" ? 1 : 0;
    options.crop_downscale = name == "crops" ? 2 : 1;
    options.min_area = name == "cleaned" ? 12 : 0;
    const auto found = generate_masks(*predictor_, golden("everything.image"), options);
    ASSERT_EQ(std::ssize(found), golden(name + ".runs").size(0)) << name;
    int64_t at = 0, wrong = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      const int64_t runs = golden(name + ".runs")[row].item<int64_t>();
      const torch::Tensor counts = golden(name + ".counts").slice(0, at, at + runs).contiguous();
      at += runs;
      Rle theirs{found[i].mask.height, found[i].mask.width, {}};
      theirs.counts.assign(counts.data_ptr<int64_t>(), counts.data_ptr<int64_t>() + runs);
      wrong += decode_rle(theirs).ne(decode_rle(found[i].mask)).sum().item<int64_t>();
      EXPECT_NEAR(found[i].quality, golden(name + ".predicted_iou")[row].item<double>(), 1e-4);
      EXPECT_NEAR(found[i].stability, golden(name + ".stability_score")[row].item<double>(), 1e-3);
      EXPECT_NEAR(static_cast<double>(found[i].area), golden(name + ".area")[row].item<double>(), 2);
      EXPECT_TRUE(torch::allclose(torch::tensor({found[i].point[0], found[i].point[1]}, torch::kFloat64),
                                  golden(name + ".point")[row]));
      EXPECT_TRUE(torch::equal(torch::tensor(at::ArrayRef<int64_t>(found[i].box)), golden(name + ".box")[row]))
          << name << i;
      EXPECT_TRUE(torch::equal(torch::tensor(at::ArrayRef<int64_t>(found[i].crop)), golden(name + ".crop")[row]))
          << name << i;
    }
    EXPECT_LE(wrong, 2 + std::ssize(found) / 10) << name << ": pixels on the threshold";
  }
}

TEST_F(SegmentParity, NamesWhatMisses) {
  Predictor empty(open_sam({(folder / "small.json").string(), "", "", 1, 64}, registry_));
  EXPECT_THROW(empty.embedding(), Error);
  empty.set_image(golden("same.image"));
  EXPECT_THROW(empty.predict({}), Error);
  EXPECT_THROW(open_sam({"sam_vit_c", "", "", 1, 64}, registry_), ConfigError);
  EXPECT_THROW(open_sam({(folder / "small.json").string(), "", "", {}, 64}, registry_), ConfigError);
}

}  // namespace lamina::engine::testing
