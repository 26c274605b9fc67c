// Around training steps: preparing cases, drawing and augmenting patches, predicting whole volumes; with the network
// and the augmentations of experiments/hippocampus.json on made-up cases of the hippocampus' size.
#include "engine/data/prefetch.hpp"
#include "engine/data/sampler.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/train/initial_model.hpp"

#include <lamina/base/text.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/plugin/registrar.hpp>

#include <benchmark/benchmark.h>
#include <torch/utils.h>
#include <unistd.h>

namespace lamina::engine {
namespace {

struct MadeOptions {
  std::array<int64_t, 3> size{36, 50, 35};
  int64_t cases = 20;
  void bind(OptionBinder& o) {
    o.field("size", size, "Voxels");
    o.field("cases", cases, "Cases");
  }
};

/// Noise around two boxes that touch.
class Made : public Dataset {
 public:
  using Options = MadeOptions;
  Made(const Options& options, const DatasetContext&) : options_(options) {}
  DatasetInfo info() const override {
    DatasetInfo info;
    info.name = "made";
    info.channels = {"MRI"};
    info.classes = {"background", "anterior", "posterior"};
    info.flip_axes = {"x"};
    return info;
  }
  std::vector<std::string> ids(Split split) const override {
    std::vector<std::string> ids;
    for (int64_t i = 0; split == Split::Train && i < options_.cases; ++i) ids.push_back(text("case", i));
    return ids;
  }
  Case load(const std::string& id, WithLabels) const override {
    const auto [depth, height, width] = options_.size;
    torch::Tensor labels = torch::zeros({1, depth, height, width}, torch::kInt64);
    labels.slice(1, depth / 3, depth / 2).slice(2, height / 4, height / 2).slice(3, width / 3, width / 2).fill_(1);
    labels.slice(1, depth / 3, depth / 2).slice(2, height / 2, height / 4 * 3).slice(3, width / 3, width / 2).fill_(2);
    Case one;
    one.id = one.group = id;
    one.valid = {{0, 0, 0}, options_.size};
    one.images = Streams<Volume>(Volume{torch::randn(labels.sizes()) + labels, {}});
    one.labels = Streams<Volume>(Volume{labels, {}});
    return one;
  }
  std::string fingerprint() const override { return "made"; }

 private:
  Options options_;
};

/// Everything of the experiment but its data.
struct Bench {
  std::unique_ptr<Registry> registry = std::make_unique<Registry>();
  std::filesystem::path folder = std::filesystem::temp_directory_path() / text("lamina-benchmark-", getpid());
  Experiment experiment;
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<PrepareChain> chain;

  Bench() {
    Registrar registrar("benchmark", "");
    registrar.add<Made>("dataset", "made", "1", "Noise and two boxes");
    registry->add(registrar.take());
    discover_plugins(*registry, {LAMINA_BENCHMARK_PLUGIN_DIR});
    const auto file = std::filesystem::path(LAMINA_BENCHMARK_EXPERIMENTS) / "hippocampus.json";
    const ConfigNode made = ConfigNode::parse(R"({"type": "made"})");
    experiment = Experiment::load(file.string(), {{"dataset", made, false, "the benchmark"}}, *registry);
    dataset = registry->create<Dataset>(experiment.options().dataset, "dataset", DatasetContext{folder});
    const TransformContext context{dataset->info(), experiment.patch()};
    chain = std::make_shared<PrepareChain>(experiment.options().prepare, context, *registry);
    chain->fit(*dataset, dataset->ids(Split::Train));
  }
  ~Bench() { std::filesystem::remove_all(folder); }
  static Bench& get() {
    static Bench bench;
    return bench;
  }
};

void prepare_cases(benchmark::State& state) {
  Bench& bench = Bench::get();
  const auto ids = bench.dataset->ids(Split::Train);
  for (auto _ : state) {
    std::filesystem::remove_all(bench.folder / "fresh");
    PreparedDataset(bench.dataset, bench.chain, bench.folder / "fresh").warm(ids, 2);
  }
  state.SetItemsProcessed(state.iterations() * std::ssize(ids));
}

/// As a training takes them: made ahead by one worker.
void augmented_patches(benchmark::State& state) {
  Bench& bench = Bench::get();
  constexpr int64_t kBatches = 50;
  const PreparedDataset data(bench.dataset, bench.chain, bench.folder / "cache");
  const auto& train = bench.experiment.options().train;
  const SamplerSetup setup{
      bench.dataset->ids(Split::Train), bench.experiment.patch(), train.batch, 1, train.foreground, 1};
  const Sampler sampler(data, setup, bench.experiment.options().augment,
                        {bench.dataset->info(), bench.experiment.patch()}, *bench.registry);
  for (auto _ : state) {
    Prefetch prefetch([&](int64_t index) { return sampler.batch(0, index); }, 0, kBatches, 1);
    for (int64_t i = 0; i < kBatches; ++i) benchmark::DoNotOptimize(prefetch.next());
  }
  state.SetItemsProcessed(state.iterations() * kBatches * train.batch);
}

void whole_volumes(benchmark::State& state) {
  Bench& bench = Bench::get();
  torch::manual_seed(1);
  const auto info = bench.dataset->info();
  const Predictor predictor(initial_model(bench.experiment, info, *bench.registry), bench.experiment, info, bench.chain,
                            *bench.registry);
  MadeOptions large;
  large.size = {96, 128, 112};
  const Case one = bench.chain->apply(Made(large, {}).load("large", WithLabels::Yes));
  predictor.predict_prepared(one);
  for (auto _ : state) benchmark::DoNotOptimize(predictor.predict_prepared(one));
}

BENCHMARK(prepare_cases)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(augmented_patches)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(whole_volumes)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace lamina::engine
