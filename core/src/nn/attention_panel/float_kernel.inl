// A kernel of float operands.
#include "backward.inl"
#include "floats.inl"
#include "forward.inl"
#include "registers.inl"

namespace lamina::nn::panel {
namespace {

struct FloatProduct : InRegisters<Floats> {
  static void begin() {}
  static void end() {}
};

constexpr Kernel float_kernel(const char* name) {
  return {name,
          false,
          forward_bytes<Floats, FloatProduct>,
          forward<Floats, FloatProduct>,
          backward_bytes<Floats, FloatProduct>,
          backward<Floats, FloatProduct>};
}

}  // namespace
}  // namespace lamina::nn::panel
