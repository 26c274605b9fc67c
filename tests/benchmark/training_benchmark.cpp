// One optimizer step of nnU-Net's hippocampus plan: 3D U-Net with 32 to 256 channels, nine patches of 40 x 56 x 40.
// training_timing.py times the same network in Python beside it.
#include "engine/train/step.hpp"

#include <lamina/plugin/loader.hpp>
#include <lamina/plugin/registry.hpp>

#include <benchmark/benchmark.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

const Size3 kPatch{40, 56, 40};
constexpr int64_t kBatch = 9, kClasses = 3;

const Registry& registry() {
  static const std::unique_ptr<Registry> all = [] {
    auto found = std::make_unique<Registry>();
    discover_plugins(*found, {LAMINA_BENCHMARK_PLUGIN_DIR});
    return found;
  }();
  return *all;
}

std::shared_ptr<Model> make_model(const std::string& memory_format) {
  ConfigNode section = ConfigNode::parse(
      R"({"encoder": {"type": "unet_encoder", "channels": [32, 64, 128, 256]}, "prompter": "none", "decoder": "unet"})");
  section.at("encoder").set("memory_format", memory_format);
  return Model::build(registry(), section, {1, kClasses, kPatch});
}

/// Noise with a ball of two classes in it.
Batch make_batch() {
  Batch batch;
  const std::vector<int64_t> shape{kBatch, 1, kPatch[0], kPatch[1], kPatch[2]};
  const torch::Tensor labels = torch::zeros(shape, torch::kInt64);
  labels.slice(2, 10, 20).slice(3, 10, 40).slice(4, 10, 30).fill_(1);
  labels.slice(2, 20, 30).slice(3, 10, 40).slice(4, 10, 30).fill_(2);
  batch.images.set(kPrimaryStream, torch::randn(shape) + labels);
  batch.labels.set(kPrimaryStream, labels);
  batch.ids.assign(kBatch, "noise");
  return batch;
}

void training_step(benchmark::State& state, const std::string& memory_format, const std::string& amp) {
  torch::manual_seed(1);
  const auto model = make_model(memory_format);
  model->set_mode(Mode::Train);
  const auto loss = registry().create<Loss>(ConfigNode::parse(R"("dice_ce")"), "loss", {kClasses, {}});
  const auto optimizer = registry().create<Optimizer>(ConfigNode::parse(R"({"type": "sgd", "lr": 0.01})"), "optimizer",
                                                      {trainable_parameters(*model)});
  StepSetup setup;
  setup.clip = 12;
  setup.amp = amp;
  TrainStep step(model, loss, optimizer, setup);
  const Batch batch = make_batch();
  int64_t index = 0;
  const auto once = [&] { return step.run(0, index++, 0.01, [&] { return batch; }).loss; };
  once();  // the first step plans its convolutions
  for (auto _ : state) state.counters["loss"] = once();
}

BENCHMARK_CAPTURE(training_step, contiguous, "contiguous", "none")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(2);
BENCHMARK_CAPTURE(training_step, channels_last, "channels_last", "none")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(2);
BENCHMARK_CAPTURE(training_step, contiguous_bf16, "contiguous", "bf16")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(2);
BENCHMARK_CAPTURE(training_step, channels_last_bf16, "channels_last", "bf16")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(2);

}  // namespace
}  // namespace lamina::engine
