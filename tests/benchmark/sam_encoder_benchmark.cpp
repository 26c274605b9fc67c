// ViT-B on slices of some size, forward and with backward; sam_encoder_timing.py runs this beside PyTorch's
// segment-anything and OpenVINO, and compares time and peak memory.
#include <lamina/model/backbone.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/plugin/registry.hpp>

#include <sys/resource.h>

#include <benchmark/benchmark.h>
#include <torch/utils.h>

namespace lamina {
namespace {

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Encoder {
  Encoder(const std::string& options, int64_t slices, int64_t side) {
    discover_plugins(registry, {LAMINA_BENCHMARK_PLUGIN_DIR});
    torch::manual_seed(1);
    const Size3 patch{slices, side, side};
    network = registry.create<Backbone>(ConfigNode::parse(R"({"type": "sam_vit", "size": "base")" + options + "}"),
                                        "benchmark", BackboneContext{3, patch});
    network->settle({3, patch});
    image = torch::randn({1, 3, slices, side, side});
  }
  torch::Tensor embedding() {
    Scene scene(Mode::Train);
    return network->encode(image, {"embedding"}, scene).at("embedding");
  }
  Registry registry;
  std::shared_ptr<Backbone> network;
  torch::Tensor image;
};

void forward(benchmark::State& state, const std::string& options) {
  Encoder encoder(options, state.range(0), state.range(1));
  const torch::NoGradGuard no_grad;
  benchmark::DoNotOptimize(encoder.embedding());
  for (auto _ : state) benchmark::DoNotOptimize(encoder.embedding());
  state.counters["peak_MiB"] = peak_mebibytes();
}

void with_backward(benchmark::State& state, const std::string& options) {
  Encoder encoder(options, state.range(0), state.range(1));
  encoder.embedding().pow(2).mean().backward();
  for (auto _ : state) {
    encoder.network->zero_grad(/*set_to_none=*/false);
    encoder.embedding().pow(2).mean().backward();
  }
  state.counters["peak_MiB"] = peak_mebibytes();
}

void settings(benchmark::internal::Benchmark* one) {
  one->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
}

// Slices and side: a volume's patch, and SAM's own image.
BENCHMARK_CAPTURE(forward, tiled, "")->Args({4, 256})->Args({1, 1024})->Apply(settings);
BENCHMARK_CAPTURE(forward, plain, R"(, "attention": "plain")")->Args({4, 256})->Args({1, 1024})->Apply(settings);
BENCHMARK_CAPTURE(with_backward, tiled, "")->Args({4, 256})->Apply(settings);
BENCHMARK_CAPTURE(with_backward, plain, R"(, "attention": "plain")")->Args({4, 256})->Apply(settings);
BENCHMARK_CAPTURE(with_backward, checkpoint, R"(, "checkpoint": true)")->Args({4, 256})->Apply(settings);

}  // namespace
}  // namespace lamina
