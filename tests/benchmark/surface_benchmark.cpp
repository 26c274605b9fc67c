// Surface metrics on two ellipsoids that span 60 % of a 200 x 512 x 512 grid; surface_timing.py times Python's packages
// on the same masks and compares the values.
#include <lamina/base/error.hpp>
#include <lamina/objective/metric.hpp>
#include <lamina/plugin/loader.hpp>
#include <lamina/plugin/registry.hpp>

#include <sys/resource.h>

#include <benchmark/benchmark.h>
#include <torch/types.h>

namespace lamina {
namespace {

const Size3 kSize{200, 512, 512};
const std::array<double, 3> kSpacing{1.5, 0.8, 0.8};

/// Semi-axes are 0.3 of the size; the centre is the grid's plus `shift`. int64, as label files are read.
Volume ellipsoid(const std::array<double, 3>& shift) {
  auto voxels = torch::zeros({1, kSize[0], kSize[1], kSize[2]}, torch::kInt64);
  auto* voxel = voxels.data_ptr<int64_t>();
  const auto part = [&](int64_t index, size_t axis) {
    const double size = static_cast<double>(kSize[axis]);
    const double away = (static_cast<double>(index) - (size / 2 + shift[axis])) / (0.3 * size);
    return away * away;
  };
  for (int64_t z = 0; z < kSize[0]; ++z) {
    for (int64_t y = 0; y < kSize[1]; ++y) {
      for (int64_t x = 0; x < kSize[2]; ++x, ++voxel) *voxel = part(z, 0) + part(y, 1) + part(x, 2) <= 1;
    }
  }
  Geometry geometry;
  geometry.spacing = kSpacing;
  return {voxels, geometry};
}

struct Masks {
  Volume prediction = ellipsoid({2, 5, -7});
  Case reference;
  Masks() {
    reference.id = "ellipsoids";
    reference.labels = Streams<Volume>(ellipsoid({0, 0, 0}));
  }
};

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::vector<std::shared_ptr<Metric>> make(const Registry& registry, const std::vector<std::string>& entries) {
  std::vector<std::shared_ptr<Metric>> metrics;
  for (const auto& entry : entries)
    metrics.push_back(registry.create<Metric>(ConfigNode::parse(entry), "benchmark", {}));
  return metrics;
}

/// All metrics of one case, as an evaluation computes them: together, from the label maps.
void measure(benchmark::State& state, const std::vector<std::string>& entries, const std::vector<std::string>& names) {
  static Registry registry;
  static const bool loaded = [] {
    load_plugin(std::filesystem::path(LAMINA_BENCHMARK_PLUGIN_DIR) / "lamina_metric_surface.so", registry);
    return true;
  }();
  static const Masks masks;
  benchmark::DoNotOptimize(loaded);
  const auto metrics = make(registry, entries);
  static const double before = peak_mebibytes();  // run one benchmark alone (--benchmark_filter) to read its own peak
  for (auto _ : state) {
    Scratch scratch;
    for (size_t i = 0; i < metrics.size(); ++i) {
      state.counters[names[i]] = metrics[i]->measure(masks.prediction, masks.reference, scratch).at(0).value;
    }
  }
  state.counters["MiB_above_masks"] = peak_mebibytes() - before;
}

void border_voxels(benchmark::State& state) {
  measure(state, {R"("hd95")", R"("nsd")", R"("assd")"}, {"hd95", "nsd", "assd"});
}

void surface_areas(benchmark::State& state) {
  measure(state, {R"({"type": "hd95", "method": "area_weighted"})", R"({"type": "nsd", "by": "areas"})"},
          {"hd95", "nsd"});
}

BENCHMARK(border_voxels)->Unit(benchmark::kMillisecond);
BENCHMARK(surface_areas)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lamina
