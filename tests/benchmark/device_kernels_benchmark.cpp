// Kernels for devices against LibTorch's operators on the same device. Argument 0: forward, 1: forward and backward.
#include "engine/run/device.hpp"

#include <lamina/nn/attention.hpp>
#include <lamina/nn/depthwise_conv.hpp>

#include <benchmark/benchmark.h>

#include <cmath>
#include <functional>

#include <c10/core/CachingDeviceAllocator.h>
#include <torch/cuda.h>
#include <torch/utils.h>

namespace lamina {
namespace {

bool has_device(benchmark::State& state) {
  static const bool any = engine::choose_device("auto").is_cuda();
  if (!any) state.SkipWithError("no CUDA device on this machine");
  return any;
}

/// Times `compute`, with its backward where the benchmark's first argument says so.
void measure(benchmark::State& state, const std::vector<torch::Tensor>& inputs,
             const std::function<torch::Tensor()>& compute) {
  const bool backward = state.range(0) != 0;
  const at::AutoGradMode gradients(backward);
  for (const auto& input : inputs) input.requires_grad_(backward);
  const auto once = [&] {
    const torch::Tensor value = compute();
    if (backward) value.backward(torch::ones_like(value));
  };
  for (int i = 0; i < 3; ++i) once();
  torch::cuda::synchronize();
  auto* const memory = c10::getDeviceAllocator(torch::kCUDA);
  memory->resetPeakStats(0);
  const auto before = memory->getDeviceStats(0).allocated_bytes[0].current;
  for (auto _ : state) {
    once();
    torch::cuda::synchronize();
  }
  const auto peak = memory->getDeviceStats(0).allocated_bytes[0].peak;
  state.counters["MiB"] = static_cast<double>(peak - before) / (1 << 20);  // beyond the inputs
}

torch::ScalarType type_of(const benchmark::State& state) {
  return state.range(1) == 16 ? torch::kBFloat16 : torch::kFloat32;
}

struct Grid {
  int64_t images, side;
};
constexpr Grid kGlobal{1, 64}, kWindows{25, 14};  // one slice at 1024 of a ViT-B, in both kinds of blocks
constexpr int64_t kHeads = 12, kDepth = 64;

struct AttentionInputs {
  torch::Tensor qkv;
  nn::RelPosTables tables;

  AttentionInputs(const Grid& grid, torch::ScalarType type) {
    const auto on_device = torch::dtype(torch::kFloat32).device(torch::kCUDA);
    qkv = torch::randn({grid.images, grid.side, grid.side, 3 * kHeads * kDepth}, on_device).to(type);
    tables = {torch::randn({2 * grid.side - 1, kDepth}, on_device) * 0.1,
              torch::randn({2 * grid.side - 1, kDepth}, on_device) * 0.1};
  }
};

void attention(benchmark::State& state, const Grid& grid, nn::AttentionPath path) {
  if (!has_device(state)) return;
  const AttentionInputs in(grid, type_of(state));
  measure(state, {in.qkv, in.tables.height, in.tables.width},
          [&] { return nn::rel_pos_attention(in.qkv, in.tables, kHeads, path); });
}

void fastest_library_attention(benchmark::State& state, const Grid& grid) {
  if (!has_device(state)) return;
  // What a careful user of LibTorch would write: its fused attention with the sum of both terms as a mask.
  const AttentionInputs in(grid, type_of(state));
  const auto type = type_of(state);
  const int64_t side = grid.side;
  const torch::Tensor cells = torch::arange(side, torch::dtype(torch::kInt64).device(torch::kCUDA));
  const torch::Tensor distance = cells.unsqueeze(1) - cells.unsqueeze(0) + (side - 1);
  measure(state, {in.qkv, in.tables.height, in.tables.width}, [&] {
    const torch::Tensor parts = in.qkv.view({grid.images, side * side, 3, kHeads, kDepth}).permute({2, 0, 3, 1, 4});
    const torch::Tensor q = parts[0], grid_q = q.reshape({grid.images, kHeads, side, side, kDepth});
    const torch::Tensor by_height =
        at::einsum("nayxd,yjd->nayxj", {grid_q, in.tables.height.index({distance}).to(type)});
    const torch::Tensor by_width = at::einsum("nayxd,xjd->nayxj", {grid_q, in.tables.width.index({distance}).to(type)});
    const torch::Tensor bias =
        (by_height.unsqueeze(-1) + by_width.unsqueeze(-2)).reshape({grid.images, kHeads, side * side, side * side});
    return at::scaled_dot_product_attention(q, parts[1], parts[2], bias);
  });
}

void depthwise_conv(benchmark::State& state, bool own) {
  if (!has_device(state)) return;
  const auto on_device = torch::dtype(type_of(state)).device(torch::kCUDA);
  const torch::Tensor volume = torch::randn({2, 8, 32, 32, 192}, on_device);
  const torch::Tensor weight = torch::randn({192, 1, 3, 3, 3}, on_device), bias = torch::randn({192}, on_device);
  measure(state, {volume, weight, bias}, [&] {
    if (own) return nn::depthwise_conv3d(volume, weight, bias);
    return at::conv3d(volume.permute({0, 4, 1, 2, 3}), weight, bias, 1, 1, 1, 192).permute({0, 2, 3, 4, 1});
  });
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"backward", "bits"})
      ->ArgsProduct({{0, 1}, {32, 16}})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

BENCHMARK_CAPTURE(attention, global_own, kGlobal, nn::AttentionPath::Tiled)->Apply(arguments);
BENCHMARK_CAPTURE(fastest_library_attention, global_torch, kGlobal)->Apply(arguments);
BENCHMARK_CAPTURE(attention, windows_own, kWindows, nn::AttentionPath::Tiled)->Apply(arguments);
BENCHMARK_CAPTURE(fastest_library_attention, windows_torch, kWindows)->Apply(arguments);
BENCHMARK_CAPTURE(depthwise_conv, own, true)->Apply(arguments);
BENCHMARK_CAPTURE(depthwise_conv, torch, false)->Apply(arguments);

}  // namespace
}  // namespace lamina
