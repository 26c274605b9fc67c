// What lamina::Predictor answers, as tensors: for tests that compare it with other programs.
//   sam_probe MODEL WEIGHTS SIZE QUESTIONS.safetensors ANSWERS.safetensors
// Questions: image [3, H, W] uint8, points [P, 2], labels [P], box [4], in pixels of the image. Answers: embedding;
// "first." with the points alone and three masks, "second." with points, box and the second of those masks: low_res,
// quality, logits.
#include "engine/segment/sam_model.hpp"

#include <lamina/model/safetensors.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/segment/predictor.hpp>

#include <exception>
#include <iostream>
#include <string>

#include <torch/utils.h>

namespace {

void keep(lamina::TensorDict& answers, const std::string& name, const lamina::PromptedMasks& masks) {
  answers[name + ".low_res"] = masks.low_res.contiguous();
  answers[name + ".quality"] = masks.quality.contiguous();
  answers[name + ".logits"] = masks.logits.contiguous();
}

void answer(char** words) {
  lamina::Registry registry;
  lamina::discover_plugins(registry);
  lamina::engine::SamChoice choice;
  choice.model = words[1];
  choice.weights = words[2];
  choice.square = std::stoll(words[3]);
  choice = lamina::engine::settled(choice);
  lamina::Predictor predictor(lamina::engine::open_sam(choice, registry));
  const auto questions = lamina::read_safetensors(words[4]).tensors;
  predictor.set_image(questions.at("image"));

  lamina::TensorDict answers{{"embedding", predictor.embedding().contiguous()}};
  lamina::Prompts prompts;
  prompts.points = questions.at("points").unsqueeze(0);
  prompts.point_labels = questions.at("labels").unsqueeze(0);
  prompts.multimask = true;
  const auto first = predictor.predict(prompts);
  keep(answers, "first", first);
  prompts.boxes = questions.at("box").unsqueeze(0);
  prompts.mask_logits = first.low_res.slice(1, 1, 2);
  prompts.multimask = false;
  keep(answers, "second", predictor.predict(prompts));
  lamina::write_safetensors(words[5], answers);
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) {
    std::cerr << "usage: sam_probe MODEL WEIGHTS SIZE QUESTIONS.safetensors ANSWERS.safetensors\n";
    return 2;
  }
  try {
    answer(words);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
