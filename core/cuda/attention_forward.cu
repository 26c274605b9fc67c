#include "attention_depths.cuh"
#include "attention_forward.cuh"

namespace lamina::cuda {

const char* attention(const AttentionCall& call, void* stream) {
  const dim3 grid(blocks(call.area_height * call.area_width, kOwnRows),
                  static_cast<unsigned>(call.images * call.heads));
  return with_depth(call, [&](auto type, auto depth) {
    using T = typename decltype(type)::type;
    constexpr int kDepth = decltype(depth)::value;
    const size_t bytes = shared_bytes<ForwardTiles<T, kDepth>>(call);
    return launch(attend<T, kDepth>, grid, kThreads, bytes, stream, call);
  });
}

}  // namespace lamina::cuda
