// Which kernels this processor runs.
#include "panel.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace lamina::nn::panel {
namespace {

#if defined(__x86_64__)

/// Linux lends the tiles' registers to processes that ask: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
bool tiles_allowed() {
#if defined(SYS_arch_prctl)
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}

bool has_wide_vectors() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

bool runs(const Kernel& kernel) {
  if (&kernel == &kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!has_wide_vectors()) return false;
  if (&kernel == &kAvx512Bf16) return __builtin_cpu_supports("avx512bf16");
  if (&kernel == &kAmxBf16) return __builtin_cpu_supports("amx-bf16") && tiles_allowed();
  return true;
}

/// Intel's processors take four times as long for a product of pairs as AMD's do, longer than for two of floats.
bool worth_taking(const Kernel& kernel) { return &kernel != &kAvx512Bf16 || __builtin_cpu_is("amd"); }

#else

bool runs(const Kernel&) { return false; }
bool worth_taking(const Kernel&) { return false; }

#endif

}  // namespace

const Kernel* find_kernel(bool bfloat16, const char* name) {
  static const Kernel* const by_speed[] = {&kAmxBf16, &kAvx512Bf16, &kAvx512, &kAvx2};
  for (const Kernel* kernel : by_speed) {
    if (kernel->bfloat16 && !bfloat16) continue;
    if (name ? __builtin_strcmp(name, kernel->name) != 0 : !worth_taking(*kernel)) continue;
    if (runs(*kernel)) return kernel;
  }
  return nullptr;
}

}  // namespace lamina::nn::panel
