// For processors with 32 registers of 16 floats that multiply pairs of bfloat16.
namespace lamina::nn::panel {
namespace {
constexpr int kLanes = 16, kMostVectors = 4, kTileRows = 6;
constexpr long kTileKeys = 192, kBlockKeys = 48, kBackwardTileKeys = 64;
}  // namespace
}  // namespace lamina::nn::panel

#include <immintrin.h>

#include "backward.inl"
#include "forward.inl"
#include "halves.inl"
#include "registers.inl"

namespace lamina::nn::panel {
namespace {

struct PairHalves : Halves {
  static constexpr long kRowStep = 1, kWordStep = 1;
  LAMINA_INLINE void multiply_add(Vec& sum, Vec b, const Word* a) {
    const UInt factor = UInt{} + *a;
    sum = reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(b),
                                                 reinterpret_cast<__m512bh>(factor)));
  }
};

struct PairProduct : InRegisters<PairHalves> {
  static void begin() {}
  static void end() {}
};

}  // namespace

const Kernel kAvx512Bf16 = {"avx512_bf16",
                            true,
                            forward_bytes<PairHalves, PairProduct>,
                            forward<PairHalves, PairProduct>,
                            backward_bytes<PairHalves, PairProduct>,
                            backward<PairHalves, PairProduct>};

}  // namespace lamina::nn::panel
