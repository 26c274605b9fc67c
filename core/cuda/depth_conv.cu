#include "depth_conv.cuh"
#include "launch.cuh"

namespace lamina::cuda {
namespace {

template <typename T>
const char* convolve_all(const DepthConvCall& call, void* stream) {
  constexpr int kWide = 4;
  const long positions = positions_of(call);
  if (call.channels % kWide == 0)
    return launch(convolve<T, kWide>, dim3(blocks(positions * call.channels / kWide, kConvThreads)), kConvThreads, 0,
                  stream, call);
  return launch(convolve<T, 1>, dim3(blocks(positions * call.channels, kConvThreads)), kConvThreads, 0, stream, call);
}

}  // namespace

const char* depth_conv(const DepthConvCall& call, void* stream) {
  return call.type == Number::Float32 ? convolve_all<float>(call, stream) : convolve_all<BFloat16>(call, stream);
}

const char* depth_conv_weight(const DepthConvWeightCall& call, void* stream) {
  const dim3 grid(static_cast<unsigned>(call.parts), static_cast<unsigned>(taps_of(call.forward)),
                  blocks(call.forward.channels, kConvLanes));
  constexpr size_t kBytes = kConvThreads * sizeof(float);
  if (call.forward.type == Number::Float32)
    return launch(sum_weight_gradient<float>, grid, kConvThreads, kBytes, stream, call);
  return launch(sum_weight_gradient<BFloat16>, grid, kConvThreads, kBytes, stream, call);
}

}  // namespace lamina::cuda
