// SAM's decoder behind a kept embedding: one prompt, and 64 in one call. A question of `lamina segment --embeddings`,
// and a batch of `--everything`.
#include "engine/segment/sam_model.hpp"

#include <lamina/plugin/loader.hpp>
#include <lamina/segment/predictor.hpp>

#include <benchmark/benchmark.h>
#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kSquare = 1024, kChannels = 256, kCells = 64;

/// ViT-B's encoder does not run; the decoder is the same in all of SAM's models.
Predictor& predictor() {
  static Registry registry;
  static const auto model = [] {
    discover_plugins(registry, {LAMINA_BENCHMARK_PLUGIN_DIR});
    return engine::open_sam({"sam_vit_b", "", "", 1, kSquare}, registry);
  }();
  static Predictor one(model);
  return one;
}

void decode(benchmark::State& state) {
  Predictor& sam = predictor();
  torch::manual_seed(2);
  sam.set_embedding(torch::randn({1, kChannels, kCells, kCells}), kSquare, kSquare);
  Prompts prompts;
  prompts.points = torch::rand({state.range(0), 1, 2}) * kSquare;
  prompts.point_labels = torch::ones({state.range(0), 1}, torch::kInt64);
  prompts.multimask = true;
  benchmark::DoNotOptimize(sam.predict_low_res(prompts).low_res);
  for (auto _ : state) benchmark::DoNotOptimize(sam.predict_low_res(prompts).low_res);
  state.counters["ms_per_prompt"] = benchmark::Counter(static_cast<double>(state.range(0) * state.iterations()) / 1000,
                                                       benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(decode)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
}  // namespace lamina
