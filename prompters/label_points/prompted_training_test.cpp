// A small SAM that learns to fill what it is pointed at: encoder, prompter, decoder, loss and optimizer together.
#include "label_prompts.hpp"

#include <lamina/objective/loss.hpp>
#include <lamina/objective/optimizer.hpp>

namespace lamina {
namespace {

constexpr const char* kEncoder =
    R"({"type": "sam_vit", "size": "custom", "embed_dim": 32, "depth": 2, "heads": 2, "window": 4, "global_blocks": [1], "out_channels": 32})";

// The same picture on two slices, two bright squares; the label is the left one first, then the right one. Only the
// prompt can tell which.
Batch two_squares() {
  torch::Tensor labels = torch::zeros({1, 1, 2, 64, 64}, torch::kInt64), images = torch::zeros({1, 1, 2, 64, 64});
  const auto square = [](torch::Tensor slices, int64_t left) {
    return slices.narrow(-2, 20, 24).narrow(-1, left, 24);  // [..., 24, 24]
  };
  square(images, 4).fill_(1);
  square(images, 36).fill_(1);
  square(labels[0][0][0], 4).fill_(1);
  square(labels[0][0][1], 36).fill_(1);
  Batch batch = testing::labelled(labels);
  batch.images.set(kPrimaryStream, images);
  return batch;
}

double dice_of(const torch::Tensor& predicted, const torch::Tensor& truth) {
  return 2 * predicted.logical_and(truth).sum().item<double>() / (predicted.sum() + truth.sum()).item<double>();
}

class PromptedTraining : public ::testing::TestWithParam<const char*> {};

TEST_P(PromptedTraining, FillsWhatIsPointedAt) {
  torch::manual_seed(1);
  const auto& registry = testing::registry();
  const auto model = testing::build_model(
      text(R"({"encoder": )", kEncoder, R"(, "adapters": [{"id": "stem", "type": "repeat", "at": ["encoder.image"]}])",
           R"(, "decoder": {"type": "sam_mask", "heads": 4, "mlp_channels": 64, "upscale_channels": [16, 8]})",
           R"(, "prompter": )", GetParam(), "}"),
      {1, 2, {2, 64, 64}});
  OptimizerContext trained;
  for (const auto& item : model->named_parameters()) trained.parameters.emplace_back(item.key(), item.value());
  const auto optimizer =
      registry.create<Optimizer>(testing::json(R"({"type": "adamw", "lr": 0.005})"), "train.optimizer", trained);
  const auto loss = registry.create<Loss>(testing::json(R"({"type": "dice_ce"})"), "loss", {2, std::nullopt});
  const Batch batch = two_squares();
  for (int64_t step = 0; step < 40; ++step) {
    const Prediction prediction = forward(*model, Mode::Train, batch, 1, step);
    torch::Tensor total = torch::zeros({});
    for (const LossTerm& term : loss->compute(prediction, batch, {})) total = total + term.weight * term.value;
    optimizer->zero_grad();
    total.backward();
    optimizer->step(optimizer->base_rate());
  }
  const torch::NoGradGuard no_grad;
  const torch::Tensor classes = forward(*model, Mode::Infer, batch).outputs.primary().classes;
  EXPECT_GT(dice_of(classes.argmax(1).eq(1), batch.labels.primary().squeeze(1).eq(1)), 0.8);
}

INSTANTIATE_TEST_SUITE_P(Prompters, PromptedTraining,
                         ::testing::Values(R"({"type": "label_box", "jitter": 1})",
                                           R"({"type": "label_points", "rounds": 1})"),
                         [](const auto& info) { return info.index == 0 ? "LabelBox" : "LabelPoints"; });

}  // namespace
}  // namespace lamina
