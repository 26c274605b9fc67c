// For processors with 32 registers of 16 floats: 4 x 4 sums and 4 operands; depths of heads are multiples of 4.
namespace lamina::nn::panel {
namespace {
constexpr int kLanes = 16, kMostVectors = 4, kTileRows = 4;
constexpr long kTileKeys = 128, kBlockKeys = 32, kBackwardTileKeys = 64;
}  // namespace
}  // namespace lamina::nn::panel

#include "float_kernel.inl"

namespace lamina::nn::panel {

const Kernel kAvx512 = float_kernel("avx512");

}  // namespace lamina::nn::panel
