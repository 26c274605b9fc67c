// Loads CUDA's half of LibTorch on demand and divides threads.
#include "engine/run/device.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include <dlfcn.h>
#include <sched.h>

#include <ATen/Parallel.h>
#include <torch/cuda.h>

namespace lamina::engine {
namespace {

/// The folder of libtorch_cpu.so, where libtorch_cuda.so lies too.
std::filesystem::path torch_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&at::set_num_threads), &info) == 0) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

/// "" when CUDA can be used, else why not.
std::string load_cuda() {
  if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL)) return "no NVIDIA driver (libcuda.so.1) on this machine";
  const auto library = torch_folder() / "libtorch_cuda.so";
  // Never closed: torch keeps pointers into it.
  if (!dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    return text("LibTorch's CUDA half does not load (", dlerror(), "); `./run --cuda` installs what it needs");
  }
  if (!torch::cuda::is_available()) return "the driver reports no usable GPU";
  return "";
}

const std::string& cuda_obstacle() {
  static const std::string obstacle = load_cuda();
  return obstacle;
}

int64_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return 1;
}

}  // namespace

torch::Device choose_device(const std::string& wanted) {
  if (wanted == "cpu") return torch::kCPU;
  if (cuda_obstacle().empty()) return {torch::kCUDA, 0};
  if (wanted == "cuda") {
    throw ConfigError(
        text("runtime.device: cuda was asked for, but ", cuda_obstacle(), "; 'cpu' or 'auto' run without"));
  }
  static std::once_flag said;
  std::call_once(said, [] { log_info(text("device: cpu (", cuda_obstacle(), ")")); });
  return torch::kCPU;
}

int64_t arithmetic_threads(const RuntimeSection& runtime) {
  return runtime.threads > 0 ? runtime.threads : std::max<int64_t>(1, usable_cores());
}

torch::Device use_runtime(const RuntimeSection& runtime) {
  const torch::Device device = choose_device(runtime.device);
  at::set_num_threads(static_cast<int>(arithmetic_threads(runtime)));
  return device;
}

}  // namespace lamina::engine
