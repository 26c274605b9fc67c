// The library's table, and what the device can hold.
#include "attention_depths.cuh"
#include "attention_forward.cuh"
#include "attention_gradient.cuh"
#include "attention_gradient_parts.cuh"

#include <algorithm>

namespace lamina::cuda {

int shared_memory_limit() {
  int device = 0, major = 0, bytes = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return 0;
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess || major < 8) return 0;
  if (cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess) return 0;
  return bytes;
}

bool attention_fits(const AttentionCall& call, bool gradients) {
  constexpr long kDeepest = 128, kMostBlocks = 65535, kLongest = 1024;
  const long chunk = call.type == Number::Float32 ? 4 : 8;  // rows are copied 16 bytes at a time
  if (call.head_width > kDeepest || call.head_width % chunk != 0 || call.images * call.heads > kMostBlocks)
    return false;
  if (call.width > kLongest || call.height > kLongest) return false;
  const size_t needed = with_depth(call, [&](auto type, auto depth) {
    using T = typename decltype(type)::type;
    constexpr int kDepth = decltype(depth)::value;
    const size_t forward = shared_bytes<ForwardTiles<T, kDepth>>(call);
    if (!gradients) return forward;
    return std::max({forward, shared_bytes<QueryTiles<T, kDepth>>(call), shared_bytes<KeyTiles<T, kDepth>>(call)});
  });
  return needed <= static_cast<size_t>(shared_memory_limit());
}

const char* attention_gradient(const AttentionGradientCall& call, void* stream) {
  if (const char* problem = attention_gradient_queries(call, stream)) return problem;
  return attention_gradient_keys(call, stream);
}

}  // namespace lamina::cuda

extern "C" __attribute__((visibility("default"))) const lamina::cuda::DeviceKernels* lamina_device_kernels_1() {
  using namespace lamina::cuda;
  static const DeviceKernels kernels{attention_fits, attention, attention_gradient, depth_conv, depth_conv_weight};
  return &kernels;
}
