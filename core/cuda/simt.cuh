// What kernels use of CUDA. Compiled by another compiler, tests/support/simt.hpp stands in for the device.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>

#define LAMINA_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#define LAMINA_DEVICE __device__ __forceinline__
#define LAMINA_HOST_DEVICE __host__ __device__
#define LAMINA_KERNEL(threads) __global__ void __launch_bounds__(threads)
#define LAMINA_KERNEL_BLOCKS(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define LAMINA_UNROLL _Pragma("unroll")
namespace lamina::cuda {
using BFloat16 = __nv_bfloat16;
}
#include "tensor_core.cuh"
#else
#include "simt.hpp"
#endif

namespace lamina::cuda {

constexpr int kWarp = 32;

LAMINA_DEVICE int thread() { return static_cast<int>(threadIdx.x); }
LAMINA_DEVICE int lane() { return thread() % kWarp; }
LAMINA_DEVICE int warp() { return thread() / kWarp; }

LAMINA_DEVICE float as_float(float value) { return value; }
LAMINA_DEVICE float as_float(BFloat16 value) { return __bfloat162float(value); }

template <typename T>
LAMINA_DEVICE T from_float(float value) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return value;
  } else {
    return __float2bfloat16(value);
  }
}

/// Sum over the four lanes that hold one row of a result.
LAMINA_DEVICE float quad_sum(float value) {
  value += __shfl_xor_sync(0xffffffffU, value, 1);
  return value + __shfl_xor_sync(0xffffffffU, value, 2);
}

LAMINA_DEVICE float quad_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffffU, value, 2));
}

}  // namespace lamina::cuda
