// ViT-B on four slices of 256 x 256 pixels, forward and with backward; sam_encoder_timing.py runs this beside PyTorch's
// segment-anything, and compares time and peak memory.
#include <lamina/model/backbone.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/plugin/registry.hpp>

#include <sys/resource.h>

#include <benchmark/benchmark.h>
#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kSlices = 4, kSide = 256;

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Encoder {
  explicit Encoder(const std::string& options) {
    discover_plugins(registry, {LAMINA_BENCHMARK_PLUGIN_DIR});
    torch::manual_seed(1);
    const Size3 patch{kSlices, kSide, kSide};
    network = registry.create<Backbone>(ConfigNode::parse(R"({"type": "sam_vit", "size": "base")" + options + "}"),
                                        "benchmark", BackboneContext{3, patch});
    network->settle({3, patch});
    image = torch::randn({1, 3, kSlices, kSide, kSide});
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
  Encoder encoder(options);
  const torch::NoGradGuard no_grad;
  benchmark::DoNotOptimize(encoder.embedding());
  for (auto _ : state) benchmark::DoNotOptimize(encoder.embedding());
  state.counters["peak_MiB"] = peak_mebibytes();
}

void with_backward(benchmark::State& state, const std::string& options) {
  Encoder encoder(options);
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

BENCHMARK_CAPTURE(forward, tiled, "")->Apply(settings);
BENCHMARK_CAPTURE(forward, plain, R"(, "attention": "plain")")->Apply(settings);
BENCHMARK_CAPTURE(with_backward, tiled, "")->Apply(settings);
BENCHMARK_CAPTURE(with_backward, plain, R"(, "attention": "plain")")->Apply(settings);
BENCHMARK_CAPTURE(with_backward, checkpoint, R"(, "checkpoint": true)")->Apply(settings);

}  // namespace
}  // namespace lamina
