// For processors with 32 registers of 16 floats: 6 x 4 sums, 4 operands and a factor.
namespace lamina::nn::panel {
namespace {
constexpr int kLanes = 16, kMostVectors = 4, kTileRows = 6;
}  // namespace
}  // namespace lamina::nn::panel

#include "panel.inl"

namespace lamina::nn::panel {

void attend_avx512(const Call& call) { attend(call); }

}  // namespace lamina::nn::panel
