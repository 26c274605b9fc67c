// Depthwise 3D convolution on channels-last volumes: neighbouring threads have neighbouring channels, and the taps of
// one place come from the caches. The gradient of the input is the same with the kernel turned around.
#pragma once

#include "device_kernels.hpp"
#include "simt.cuh"

namespace lamina::cuda {

constexpr int kConvThreads = 256;

/// kWide channels, loaded and stored at once.
template <typename T, int kWide>
struct alignas(sizeof(T) * kWide) Channels {
  T value[kWide];
};

/// A place in a volume.
struct Place {
  int z, y, x;
};

LAMINA_DEVICE Place place_of(long position, const DepthConvCall& call) {
  const long x = position % call.width, rows = position / call.width;
  return {static_cast<int>(rows / call.height % call.depth), static_cast<int>(rows % call.height), static_cast<int>(x)};
}

/// The place that tap `tap` of the kernel sees from `from`: its distance in positions; false: outside.
LAMINA_DEVICE bool seen_from(const Place& from, int tap, const DepthConvCall& call, long& distance) {
  const int dx = tap % call.kernel[2] - call.kernel[2] / 2, rows = tap / call.kernel[2];
  const int dy = rows % call.kernel[1] - call.kernel[1] / 2, dz = rows / call.kernel[1] - call.kernel[0] / 2;
  distance = (dz * call.height + dy) * call.width + dx;
  return from.z + dz >= 0 && from.z + dz < call.depth && from.y + dy >= 0 && from.y + dy < call.height &&
         from.x + dx >= 0 && from.x + dx < call.width;
}

LAMINA_HOST_DEVICE inline int taps_of(const DepthConvCall& call) {
  return call.kernel[0] * call.kernel[1] * call.kernel[2];
}

LAMINA_HOST_DEVICE inline long positions_of(const DepthConvCall& call) {
  return call.volumes * call.depth * call.height * call.width;
}

/// One thread: kWide channels at one position.
template <typename T, int kWide>
LAMINA_KERNEL(kConvThreads)
convolve(DepthConvCall call) {
  const long groups = call.channels / kWide;
  const long i = static_cast<long>(blockIdx.x) * kConvThreads + threadIdx.x;
  const long position = i / groups, channel = i % groups * kWide;
  if (position >= positions_of(call)) return;
  const Place here = place_of(position, call);
  const T* const input = static_cast<const T*>(call.input) + position * call.channels + channel;
  float sum[kWide];
  LAMINA_UNROLL
  for (int c = 0; c < kWide; ++c) sum[c] = call.bias ? call.bias[channel + c] : 0;
  for (int tap = 0; tap < taps_of(call); ++tap) {
    long distance;
    if (!seen_from(here, tap, call, distance)) continue;
    const auto seen = *reinterpret_cast<const Channels<T, kWide>*>(input + distance * call.channels);
    const auto weight = *reinterpret_cast<const Channels<float, kWide>*>(call.weight + tap * call.channels + channel);
    LAMINA_UNROLL
    for (int c = 0; c < kWide; ++c) sum[c] += as_float(seen.value[c]) * weight.value[c];
  }
  Channels<T, kWide> result;
  LAMINA_UNROLL
  for (int c = 0; c < kWide; ++c) result.value[c] = from_float<T>(sum[c]);
  *reinterpret_cast<Channels<T, kWide>*>(static_cast<T*>(call.output) + position * call.channels + channel) = result;
}

constexpr int kConvLanes = 32, kConvRows = kConvThreads / kConvLanes;

/// One block: 32 channels, one tap, one part of the positions, 8 of them at a time. Blocks: [parts, taps, channels /
/// 32].
template <typename T>
LAMINA_KERNEL(kConvThreads)
sum_weight_gradient(DepthConvWeightCall call) {
  LAMINA_SHARED(memory);
  float* const sums = reinterpret_cast<float*>(memory);  // [8, 32]
  const DepthConvCall& forward = call.forward;
  const int tap = static_cast<int>(blockIdx.y), me = thread();
  const long channel = static_cast<long>(blockIdx.z) * kConvLanes + me % kConvLanes;
  const long all = positions_of(forward), part = (all + call.parts - 1) / call.parts;
  const long begin = static_cast<long>(blockIdx.x) * part, end = begin + part < all ? begin + part : all;
  const T* const input = static_cast<const T*>(forward.input);
  const T* const grad = static_cast<const T*>(call.grad_output);
  float sum = 0;
  if (channel < forward.channels) {
    for (long position = begin + me / kConvLanes; position < end; position += kConvRows) {
      long distance;
      if (!seen_from(place_of(position, forward), tap, forward, distance)) continue;
      sum += as_float(input[(position + distance) * forward.channels + channel]) *
             as_float(grad[position * forward.channels + channel]);
    }
  }
  sums[me] = sum;
  __syncthreads();
  if (me >= kConvLanes || channel >= forward.channels) return;
  for (int row = 1; row < kConvRows; ++row) sum += sums[row * kConvLanes + me];
  call.grad_weight[(static_cast<long>(blockIdx.x) * taps_of(forward) + tap) * forward.channels + channel] = sum;
}

}  // namespace lamina::cuda
