// A mask for a point, with lamina's C++ interface: the image is encoded once and may be asked as often as wanted.
//   segment_image MODEL.json SIDE WEIGHTS.safetensors IMAGE X Y MASK.png
// MODEL.json is an experiment's `model` section without a prompter, such as
//   {"encoder": {"type": "sam_vit", "size": "base"}, "decoder": {"type": "sam_mask"}}
// SIDE is 1024 for SAM's own weights, WEIGHTS what `lamina weights convert sam_vit_b_01ec64.pth FILE --map sam` writes.
#include <lamina/base/atomic_file.hpp>
#include <lamina/io/volume_io.hpp>
#include <lamina/model/safetensors.hpp>
#include <lamina/model/weights.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/segment/predictor.hpp>

#include <exception>
#include <iostream>
#include <string>

#include <torch/utils.h>

namespace {

std::shared_ptr<lamina::Model> open_model(const lamina::Registry& registry, const std::string& section, int64_t side,
                                          const std::string& weights) {
  lamina::ConfigNode model = lamina::ConfigNode::parse(lamina::read_file(section), section);
  model.set("prompter", lamina::ConfigNode::parse(R"({"type": "given"})"));
  lamina::ModelSetup setup;
  setup.image_channels = 3;
  setup.patch = {1, side, side};
  auto built = lamina::Model::build(registry, model, setup);
  lamina::load_state_strictly(*built, lamina::read_safetensors(weights).tensors, weights);
  return built;
}

void run(char** words) {
  lamina::Registry registry;
  lamina::discover_plugins(registry);
  lamina::Predictor predictor(open_model(registry, words[1], std::stoll(words[2]), words[3]));
  predictor.set_image(lamina::read_image(words[4]).voxels.select(1, 0).to(torch::kUInt8));

  lamina::Prompts prompts;
  prompts.points = torch::tensor({std::stod(words[5]), std::stod(words[6])}).view({1, 1, 2});
  prompts.point_labels = torch::ones({1, 1}, torch::kInt64);
  prompts.multimask = true;
  const lamina::PromptedMasks masks = predictor.predict(prompts);
  const auto best = masks.quality[0].argmax().item<int64_t>();
  std::cout << "predicted IoU " << masks.quality[0][best].item<double>() << "\n";

  const torch::Tensor mask = masks.logits[0][best] > 0;
  lamina::write_file(words[7], lamina::encode_png(mask.to(torch::kUInt8) * 255));
}

}  // namespace

int main(int count, char** words) {
  if (count != 8) {
    std::cerr << "usage: segment_image MODEL.json SIDE WEIGHTS.safetensors IMAGE X Y MASK.png\n";
    return 2;
  }
  try {
    run(words);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 2;
  }
}
