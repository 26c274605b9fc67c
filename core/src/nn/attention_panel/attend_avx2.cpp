// For processors with 16 registers of 8 floats: 4 x 3 sums, 3 operands and a factor fill them.
namespace lamina::nn::panel {
namespace {
constexpr int kLanes = 8, kMostVectors = 3, kTileRows = 4;
constexpr long kTileKeys = 128, kBlockKeys = 32, kBackwardTileKeys = 64;
}  // namespace
}  // namespace lamina::nn::panel

#include "float_kernel.inl"

namespace lamina::nn::panel {

const Kernel kAvx2 = float_kernel("avx2");

}  // namespace lamina::nn::panel
