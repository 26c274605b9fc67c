// Starting kernels, for host code.
#pragma once

#include "device_kernels.hpp"

#include <cuda_runtime.h>

namespace lamina::cuda {

/// What a call of CUDA's came back with; null: no complaint.
inline const char* complaint(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

inline unsigned blocks(long count, long size) { return static_cast<unsigned>((count + size - 1) / size); }

/// Bytes of shared memory that one block can have here, once asked for; 0 where the device is older than sm_80.
int shared_memory_limit();

/// Starts `kernel` with `bytes` of shared memory, more than the usual 48 KiB where wanted.
template <typename Call>
const char* launch(void (*kernel)(Call), dim3 grid, int threads, size_t bytes, void* stream, const Call& call) {
  if (bytes > 48 * 1024) {
    const auto error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    if (error != cudaSuccess) return cudaGetErrorString(error);
  }
  kernel<<<grid, threads, bytes, static_cast<cudaStream_t>(stream)>>>(call);
  return complaint(cudaGetLastError());
}

bool attention_fits(const AttentionCall& call, bool gradients);
const char* attention(const AttentionCall& call, void* stream);
const char* attention_gradient(const AttentionGradientCall& call, void* stream);
const char* depth_conv(const DepthConvCall& call, void* stream);
const char* depth_conv_weight(const DepthConvWeightCall& call, void* stream);

}  // namespace lamina::cuda
