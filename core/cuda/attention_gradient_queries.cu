#include "attention_depths.cuh"
#include "attention_gradient.cuh"
#include "attention_gradient_parts.cuh"

namespace lamina::cuda {

const char* attention_gradient_queries(const AttentionGradientCall& call, void* stream) {
  const AttentionCall& forward = call.forward;
  const dim3 grid(blocks(forward.area_height * forward.area_width, kOwnRows),
                  static_cast<unsigned>(forward.images * forward.heads));
  return with_depth(forward, [&](auto type, auto depth) {
    using T = typename decltype(type)::type;
    constexpr int kDepth = decltype(depth)::value;
    const size_t bytes = shared_bytes<QueryTiles<T, kDepth>>(forward);
    return launch(attend_gradient_queries<T, kDepth>, grid, kThreads, bytes, stream, call);
  });
}

}  // namespace lamina::cuda
