#include "nn/device_library.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <filesystem>

#include <dlfcn.h>

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr const char* kLibrary = "liblamina_cuda.so";
constexpr const char* kEntry = "lamina_device_kernels_1";

/// It lies beside this library.
std::filesystem::path library_file() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&device_kernels), &info) == 0) return kLibrary;
  return std::filesystem::path(info.dli_fname).parent_path() / kLibrary;
}

const cuda::DeviceKernels* load_device_kernels() {
  void* const library = dlopen(library_file().c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed
  void* const entry = library ? dlsym(library, kEntry) : nullptr;
  if (!entry) {
    log_warning(text("lamina's own kernels for CUDA are not to be had (", dlerror(),
                     "); LibTorch's operators compute the same, slower. A build with nvcc makes ", kLibrary));
    return nullptr;
  }
  return reinterpret_cast<decltype(&lamina_device_kernels_1)>(entry)();
}

}  // namespace

const cuda::DeviceKernels* device_kernels(const torch::Tensor& tensor) {
  if (!tensor.is_cuda()) return nullptr;
  static const cuda::DeviceKernels* const kernels = load_device_kernels();
  return kernels;
}

std::optional<cuda::Number> device_number(torch::ScalarType type) {
  if (type == torch::kFloat32) return cuda::Number::Float32;
  if (type == torch::kBFloat16) return cuda::Number::BFloat16;
  return std::nullopt;
}

void run_on_device(const torch::Tensor& tensor, const std::function<const char*(void* stream)>& start) {
  const c10::DeviceGuard guard(tensor.device());
  const c10::impl::VirtualGuardImpl device(tensor.device().type());
  if (const char* problem = start(device.getStream(tensor.device()).native_handle()))
    throw Error(text("a kernel on ", tensor.device().str(), " did not start: ", problem));
}

}  // namespace lamina::nn
