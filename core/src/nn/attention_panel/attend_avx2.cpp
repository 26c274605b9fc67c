// For processors with 16 registers of 8 floats: 4 x 3 sums, 3 operands and a factor fill them.
namespace lamina::nn::panel {
namespace {
constexpr int kLanes = 8, kMostVectors = 3, kTileRows = 4;
}  // namespace
}  // namespace lamina::nn::panel

#include "panel.inl"

namespace lamina::nn::panel {

void attend_avx2(const Call& call) { attend(call); }

}  // namespace lamina::nn::panel
