#include "attention_depths.cuh"
#include "attention_gradient.cuh"
#include "attention_gradient_parts.cuh"

namespace lamina::cuda {

const char* attention_gradient_keys(const AttentionGradientCall& call, void* stream) {
  const AttentionCall& forward = call.forward;
  const KeyCut cut(static_cast<int>(forward.height), static_cast<int>(forward.width), kOwnRows);
  const dim3 grid(static_cast<unsigned>(cut.chunks * cut.steps), static_cast<unsigned>(forward.images * forward.heads));
  return with_depth(forward, [&](auto type, auto depth) {
    using T = typename decltype(type)::type;
    constexpr int kDepth = decltype(depth)::value;
    const size_t bytes = shared_bytes<KeyTiles<T, kDepth>>(forward);
    return launch(attend_gradient_keys<T, kDepth>, grid, kThreads, bytes, stream, call);
  });
}

}  // namespace lamina::cuda
