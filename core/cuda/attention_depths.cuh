// Kernels exist for some head widths; others are padded to the next.
#pragma once

#include "launch.cuh"
#include "simt.cuh"

#include <type_traits>

namespace lamina::cuda {

template <typename T>
struct TypeOf {
  using type = T;
};

/// Calls work(TypeOf<T>, integral_constant<depth>) for the call's number type and the least depth that holds a head.
template <typename Work>
auto with_depth(const AttentionCall& call, const Work& work) {
  const auto of_type = [&](auto type) {
    if (call.head_width <= 32) return work(type, std::integral_constant<int, 32>());
    if (call.head_width <= 64) return work(type, std::integral_constant<int, 64>());
    if (call.head_width <= 80) return work(type, std::integral_constant<int, 80>());
    return work(type, std::integral_constant<int, 128>());
  };
  return call.type == Number::Float32 ? of_type(TypeOf<float>()) : of_type(TypeOf<BFloat16>());
}

}  // namespace lamina::cuda
