// Reading a file of weights, from the disk's cache. LAMINA_BENCHMARK_WEIGHTS=FILE names it.
#include "engine/weights/weights_file.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

namespace {

void read_weights(benchmark::State& state) {
  const char* file = std::getenv("LAMINA_BENCHMARK_WEIGHTS");
  if (!file) return state.SkipWithError("LAMINA_BENCHMARK_WEIGHTS names no file");
  for (auto _ : state) benchmark::DoNotOptimize(lamina::engine::read_weights_file(file).tensors.size());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(std::filesystem::file_size(file)));
}
BENCHMARK(read_weights)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
