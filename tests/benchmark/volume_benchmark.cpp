// Around training steps: reading and preparing cases, drawing and augmenting patches, predicting whole volumes; with
// the network and the augmentations of experiments/hippocampus.json on made-up cases of the hippocampus' size.
#include "engine/data/prefetch.hpp"
#include "engine/data/sampler.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/train/initial_model.hpp"

#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>
#include <lamina/plugin/loader.hpp>

#include <benchmark/benchmark.h>
#include <torch/utils.h>
#include <unistd.h>

#include <fstream>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

const std::string kPhantom =
    R"({"type": "phantom", "size": [36, 50, 35], "spacing": [1, 1, 1], "classes": 3, "cases": {"train": 20}})";

/// Phantom cases as files in nnU-Net's raw layout.
void write_dataset(const fs::path& root, const Registry& registry) {
  const auto phantom = registry.create<Dataset>(ConfigNode::parse(kPhantom), "dataset", DatasetContext{});
  fs::create_directories(root / "imagesTr");
  fs::create_directories(root / "labelsTr");
  for (const std::string& id : phantom->ids(Split::Train)) {
    const Case one = phantom->load(id, WithLabels::Yes);
    write_image(root / "imagesTr" / (id + "_0000.nii.gz"), one.images.primary());
    write_labels(root / "labelsTr" / (id + ".nii.gz"), one.labels.primary());
  }
  std::ofstream(root / "dataset.json") << text(
      R"({"channel_names": {"0": "MRI"}, "labels": {"background": 0, "anterior": 1, "posterior": 2}, "numTraining": )",
      phantom->ids(Split::Train).size(), R"(, "file_ending": ".nii.gz"})");
}

/// Everything of the experiment but its data.
struct Bench {
  std::unique_ptr<Registry> registry = std::make_unique<Registry>();
  fs::path folder = fs::temp_directory_path() / text("lamina-benchmark-", getpid());
  Experiment experiment;
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<PrepareChain> chain;

  Bench() {
    discover_plugins(*registry, {LAMINA_BENCHMARK_PLUGIN_DIR});
    write_dataset(folder / "raw", *registry);
    const auto file = fs::path(LAMINA_BENCHMARK_EXPERIMENTS) / "hippocampus.json";
    const auto set = [](const char* key, const std::string& json) {
      return Override{key, ConfigNode::parse(json), false, "the benchmark"};
    };
    experiment = Experiment::load(file.string(),
                                  {set("dataset.root", text('"', (folder / "raw").string(), '"')),
                                   set("dataset.split", R"({"val": 0, "test": 0})")},
                                  *registry);
    dataset = registry->create<Dataset>(experiment.options().dataset, "dataset", DatasetContext{folder});
    const TransformContext context{dataset->info(), experiment.patch()};
    chain = std::make_shared<PrepareChain>(experiment.options().prepare, context, *registry);
    chain->fit(*dataset, dataset->ids(Split::Train));
  }
  ~Bench() { fs::remove_all(folder); }
  static Bench& get() {
    static Bench bench;
    return bench;
  }
};

/// From compressed files to checked tensors.
void read_cases(benchmark::State& state) {
  Bench& bench = Bench::get();
  const auto ids = bench.dataset->ids(Split::Train);
  for (auto _ : state) {
    for (const auto& id : ids) benchmark::DoNotOptimize(bench.dataset->load(id, WithLabels::Yes));
  }
  state.SetItemsProcessed(state.iterations() * std::ssize(ids));
}

/// The same, normalised and written to the cache.
void prepare_cases(benchmark::State& state) {
  Bench& bench = Bench::get();
  const auto ids = bench.dataset->ids(Split::Train);
  for (auto _ : state) {
    fs::remove_all(bench.folder / "fresh");
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
  const ConfigNode large =
      ConfigNode::parse(R"({"type": "phantom", "size": [96, 128, 112], "spacing": [1, 1, 1], "classes": 3})");
  const auto phantom = bench.registry->create<Dataset>(large, "dataset", DatasetContext{});
  const Case one = bench.chain->apply(phantom->load(phantom->ids(Split::Test).front(), WithLabels::No));
  predictor.predict_prepared(one);
  for (auto _ : state) benchmark::DoNotOptimize(predictor.predict_prepared(one));
}

BENCHMARK(read_cases)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(prepare_cases)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(augmented_patches)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(whole_volumes)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace lamina::engine
