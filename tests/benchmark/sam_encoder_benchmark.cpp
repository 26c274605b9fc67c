// ViT-B on slices of some size: forward, with backward, and the training of adapters in it, frozen;
// sam_encoder_timing.py runs this beside PyTorch's segment-anything and OpenVINO, and compares time and peak memory.
#include <lamina/model/backbone.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/plugin/registry.hpp>

#include <sys/resource.h>

#include <ATen/autocast_mode.h>
#include <benchmark/benchmark.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

namespace lamina {
namespace {

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

constexpr int64_t kChannels = 768, kBottleneck = 64;

/// What stays out of lamina's adapters here: a bottleneck beside a sublayer, as sam_encoder_timing.py builds it in
/// Python.
class Bottleneck : public torch::nn::Module, public SiteHook {
 public:
  Bottleneck() {
    down_ = register_module("down", torch::nn::Linear(kChannels, kBottleneck));
    up_ = register_module("up", torch::nn::Linear(kBottleneck, kChannels));
  }
  torch::Tensor apply(const SiteCall& call) override { return call.output + up_(at::gelu(down_(call.output))); }

 private:
  torch::nn::Linear down_{nullptr}, up_{nullptr};
};

class Autocast {
 public:
  explicit Autocast(bool enabled) { at::autocast::set_autocast_enabled(at::kCPU, enabled); }
  ~Autocast() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
};

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
  void backward() {
    Autocast autocast(bfloat16);
    embedding().to(torch::kFloat32).pow(2).mean().backward();
  }
  /// Behind every sublayer of every block; nothing else learns.
  void adapt() {
    for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
    for (SiteId id = 0; id < network->sites().size(); ++id) {
      const std::string& path = network->sites()[id].path;
      if (!path.ends_with(".attn.merged") && !path.ends_with(".mlp.out")) continue;
      adapters.push_back(std::make_shared<Bottleneck>());
      network->attach(id, *adapters.back());
    }
  }
  Registry registry;
  std::shared_ptr<Backbone> network;
  torch::Tensor image;
  std::vector<std::shared_ptr<Bottleneck>> adapters;
  bool bfloat16 = false;
};

void forward(benchmark::State& state, const std::string& options, bool bfloat16) {
  Encoder encoder(options, state.range(0), state.range(1));
  for (auto& parameter : encoder.network->parameters()) parameter.set_requires_grad(false);
  const torch::NoGradGuard no_grad;
  const auto run = [&] {
    Autocast autocast(bfloat16);
    benchmark::DoNotOptimize(encoder.embedding());
  };
  run();
  for (auto _ : state) run();
  state.counters["peak_MiB"] = peak_mebibytes();
}

void train(benchmark::State& state, Encoder& encoder) {
  encoder.backward();
  for (auto _ : state) {
    encoder.network->zero_grad(/*set_to_none=*/false);
    for (auto& adapter : encoder.adapters) adapter->zero_grad(/*set_to_none=*/false);
    encoder.backward();
  }
  state.counters["peak_MiB"] = peak_mebibytes();
}

void with_backward(benchmark::State& state, const std::string& options) {
  Encoder encoder(options, state.range(0), state.range(1));
  train(state, encoder);
}

void adapters(benchmark::State& state, const std::string& options, bool bfloat16) {
  Encoder encoder(options, state.range(0), state.range(1));
  encoder.adapt();
  encoder.bfloat16 = bfloat16;
  train(state, encoder);
}

void settings(benchmark::internal::Benchmark* one) {
  one->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
}

// Slices and side: a volume's patch, and SAM's own image.
BENCHMARK_CAPTURE(forward, tiled, "", false)->Args({4, 256})->Args({1, 1024})->Apply(settings);
BENCHMARK_CAPTURE(forward, tiled_bf16, "", true)->Args({4, 256})->Args({1, 1024})->Apply(settings);
BENCHMARK_CAPTURE(forward, plain, R"(, "attention": "plain")", false)->Args({4, 256})->Args({1, 1024})->Apply(settings);
BENCHMARK_CAPTURE(with_backward, tiled, "")->Args({4, 256})->Apply(settings);
BENCHMARK_CAPTURE(with_backward, plain, R"(, "attention": "plain")")->Args({4, 256})->Apply(settings);
BENCHMARK_CAPTURE(with_backward, checkpoint, R"(, "checkpoint": true)")->Args({4, 256})->Apply(settings);
BENCHMARK_CAPTURE(adapters, tiled, "", false)->Args({1, 512})->Apply(settings);
BENCHMARK_CAPTURE(adapters, tiled_bf16, "", true)->Args({1, 512})->Apply(settings);

}  // namespace
}  // namespace lamina
