// The kernels for devices, from liblamina_cuda.so: loaded at the first tensor that lies on one.
#pragma once

#include "cuda/device_kernels.hpp"

#include <functional>
#include <optional>

#include <torch/types.h>

namespace lamina::nn {

/// Null where `tensor` lies on the CPU, or where the library is not to be had (said once, as a warning): LibTorch's own
/// operators do the work then.
const cuda::DeviceKernels* device_kernels(const torch::Tensor& tensor);

/// The kernels' name of a type; nothing: they do not know it.
std::optional<cuda::Number> device_number(torch::ScalarType type);

/// Calls `start` with the current stream of the tensor's device. It returns what went wrong; that becomes an Error.
void run_on_device(const torch::Tensor& tensor, const std::function<const char*(void* stream)>& start);

}  // namespace lamina::nn
