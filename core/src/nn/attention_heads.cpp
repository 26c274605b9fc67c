// Cuts the work into heads of windows, tells the kernel where each one's tokens lie, and lends it memory.
#include "nn/attention_heads.hpp"

#include <lamina/nn/window.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr size_t kAlignment = 64;  // bytes: the widest vector, and a cache line
constexpr int64_t kTasksPerThread = 4;
constexpr int64_t kLeastQueries = 256;  // a task's; packing keys and values is then a small part
constexpr int64_t kMostGroups = 64;     // of heads whose gradients of tables are summed in one place

struct AlignedDelete {
  void operator()(char* memory) const { ::operator delete[](memory, std::align_val_t(kAlignment)); }
};
using Memory = std::unique_ptr<char[], AlignedDelete>;

Memory aligned_memory(size_t bytes) {
  return Memory(static_cast<char*>(::operator new[](bytes, std::align_val_t(kAlignment))));
}

/// Some queries of one head in one window.
struct Piece {
  int64_t image, top, left, head;  // the window's first token
  int64_t first, count;
};

/// Where everything of a piece lies.
class Places {
 public:
  Places(const HeadTensors& tensors, const WindowSizes& sizes, const HeadResult& forward)
      : tensors_(tensors), sizes_(sizes), forward_(forward), bytes_(static_cast<int64_t>(tensors.qkv.element_size())) {}

  int64_t queries(int64_t top, int64_t left) const { return rows(top) * columns(left); }

  panel::Call call(const Piece& piece) const {
    const int64_t channels = sizes_.channels();
    panel::Call call{};
    call.height = sizes_.window.height;
    call.width = sizes_.window.width;
    call.depth = sizes_.head_width;
    call.inside_height = std::min(sizes_.window.height, sizes_.height - piece.top);
    call.inside_width = std::min(sizes_.window.width, sizes_.width - piece.left);
    if (tensors_.outside.defined()) {
      call.outside_key = part(tensors_.outside, piece.head, 1);
      call.outside_value = part(tensors_.outside, piece.head, 2);
    }
    call.queries = token(tensors_.qkv, piece, 0);
    call.keys = token(tensors_.qkv, piece, 1);
    call.values = token(tensors_.qkv, piece, 2);
    call.token_step = 3 * channels;
    call.row_step = sizes_.width * call.token_step;
    call.table_height = tensors_.by_height.data_ptr<float>();
    call.table_width = tensors_.by_width.data_ptr<float>();
    call.area_width = columns(piece.left);
    call.first = piece.first;
    call.count = piece.count;
    call.result = of_queries(forward_.result, piece);
    call.result_token_step = channels;
    call.result_row_step = sizes_.area.width * channels;
    if (forward_.normal.defined()) {
      const int64_t before =
          piece.top * sizes_.area.width + rows(piece.top) * piece.left;  // queries of earlier windows
      call.normal = forward_.normal.data_ptr<float>() +
                    (piece.image * sizes_.heads + piece.head) * sizes_.area.height * sizes_.area.width + before;
    }
    return call;
  }

  /// Queries, keys or values (part 0, 1, 2) of a piece's first token in a tensor like qkv.
  char* token(const torch::Tensor& tensor, const Piece& piece, int64_t which) const {
    const int64_t at = (piece.image * sizes_.height + piece.top) * sizes_.width + piece.left;
    return part(tensor, piece.head, which) + at * 3 * sizes_.channels() * bytes_;
  }

  /// A piece's first query in a tensor like the result.
  char* of_queries(const torch::Tensor& tensor, const Piece& piece) const {
    const int64_t at = (piece.image * sizes_.area.height + piece.top) * sizes_.area.width + piece.left;
    return static_cast<char*>(tensor.data_ptr()) + (at * sizes_.channels() + piece.head * sizes_.head_width) * bytes_;
  }

 private:
  int64_t rows(int64_t top) const { return std::min(sizes_.window.height, sizes_.area.height - top); }
  int64_t columns(int64_t left) const { return std::min(sizes_.window.width, sizes_.area.width - left); }
  char* part(const torch::Tensor& tensor, int64_t head, int64_t which) const {
    return static_cast<char*>(tensor.data_ptr()) + (which * sizes_.channels() + head * sizes_.head_width) * bytes_;
  }

  const HeadTensors& tensors_;
  const WindowSizes& sizes_;
  const HeadResult& forward_;
  const int64_t bytes_;
};

/// Every head of every window that has a query, in `parts` pieces.
std::vector<Piece> pieces_of(const WindowSizes& sizes, const Places& places, int64_t parts) {
  std::vector<Piece> pieces;
  for (int64_t image = 0; image < sizes.images; ++image) {
    for (int64_t top = 0; top < sizes.area.height; top += sizes.window.height) {
      for (int64_t left = 0; left < sizes.area.width; left += sizes.window.width) {
        const int64_t queries = places.queries(top, left), length = (queries + parts - 1) / parts;
        for (int64_t head = 0; head < sizes.heads; ++head) {
          for (int64_t first = 0; first < queries; first += length)
            pieces.push_back({image, top, left, head, first, std::min(length, queries - first)});
        }
      }
    }
  }
  return pieces;
}

/// A head is one piece unless there are too few of them for the threads.
int64_t parts_of_a_head(const WindowSizes& sizes) {
  const int64_t windows =
      windows_along(sizes.area.height, sizes.window.height) * windows_along(sizes.area.width, sizes.window.width);
  const int64_t heads = sizes.images * sizes.heads * windows, wanted = kTasksPerThread * at::get_num_threads();
  const int64_t most = std::max<int64_t>(1, sizes.area.height * sizes.area.width / (windows * kLeastQueries));
  return std::clamp<int64_t>((wanted + heads - 1) / heads, 1, most);
}

/// Sums of some heads' gradients.
struct Sums {
  Sums(const HeadTensors& tensors, const WindowSizes& sizes, int64_t groups)
      : by_height(zeros_like(tensors.by_height, groups)),
        by_width(zeros_like(tensors.by_width, groups)),
        outside(tensors.outside.defined() ? at::zeros({groups, 3, sizes.channels()}, torch::kFloat32)
                                          : torch::Tensor()) {}

  static torch::Tensor zeros_like(const torch::Tensor& table, int64_t groups) {
    return at::zeros({groups, table.size(0), table.size(1)}, torch::kFloat32);
  }
  static float* place(const torch::Tensor& tensor, int64_t group) {
    return tensor.data_ptr<float>() + group * tensor.stride(0);
  }

  torch::Tensor by_height, by_width, outside;  // [groups, ...]
};

}  // namespace

HeadResult attend_heads(const panel::Kernel& kernel, const HeadTensors& tensors, const WindowSizes& sizes, bool keep) {
  const auto options = tensors.qkv.options();
  HeadResult result{at::empty({sizes.images, sizes.area.height, sizes.area.width, sizes.channels()}, options), {}};
  if (keep) {
    result.normal =
        at::empty({sizes.images, sizes.heads, sizes.area.height * sizes.area.width}, options.dtype(torch::kFloat32));
  }
  const Places places(tensors, sizes, result);
  const auto pieces = pieces_of(sizes, places, parts_of_a_head(sizes));
  at::parallel_for(0, std::ssize(pieces), 1, [&](int64_t begin, int64_t end) {
    const Memory memory = aligned_memory(kernel.forward_bytes(places.call(pieces[static_cast<size_t>(begin)])));
    const Piece* before = nullptr;
    for (int64_t i = begin; i < end; ++i) {
      const Piece& piece = pieces[static_cast<size_t>(i)];
      panel::Call call = places.call(piece);
      call.same_tables = before != nullptr;
      call.same_head = piece.first > 0 && before;  // pieces of one head follow each other
      call.workspace = memory.get();
      kernel.forward(call);
      before = &piece;
    }
  });
  return result;
}

HeadGradients differentiate_heads(const panel::Kernel& kernel, const HeadTensors& tensors, const WindowSizes& sizes,
                                  const HeadResult& forward, const torch::Tensor& grad_result) {
  const bool all_ask = sizes.area.height == sizes.height && sizes.area.width == sizes.width;
  // Queries outside the area have the gradient 0; everything else is written.
  const torch::Tensor grad_qkv = all_ask ? at::empty_like(tensors.qkv) : at::zeros_like(tensors.qkv);
  const Places places(tensors, sizes, forward);
  const auto pieces = pieces_of(sizes, places, 1);
  // Sums over fixed groups of heads, added up in a fixed order.
  const int64_t count = std::ssize(pieces), length = (count + kMostGroups - 1) / kMostGroups;
  const int64_t groups = (count + length - 1) / length;
  const Sums sums(tensors, sizes, groups);
  at::parallel_for(0, groups, 1, [&](int64_t begin, int64_t end) {
    const Memory memory = aligned_memory(kernel.backward_bytes(places.call(pieces[0])));
    for (int64_t i = begin * length; i < std::min(end * length, count); ++i) {
      const Piece& piece = pieces[static_cast<size_t>(i)];
      panel::BackwardCall call{};
      call.forward = places.call(piece);
      call.forward.workspace = memory.get();
      call.grad_result = places.of_queries(grad_result, piece);
      call.grad_queries = places.token(grad_qkv, piece, 0);
      call.grad_keys = places.token(grad_qkv, piece, 1);
      call.grad_values = places.token(grad_qkv, piece, 2);
      call.grad_table_height = Sums::place(sums.by_height, i / length);
      call.grad_table_width = Sums::place(sums.by_width, i / length);
      if (sums.outside.defined()) {
        float* const first = Sums::place(sums.outside, i / length) + piece.head * sizes.head_width;
        call.grad_outside_key = first + sizes.channels();
        call.grad_outside_value = first + 2 * sizes.channels();
      }
      kernel.backward(call);
    }
  });
  return {grad_qkv, sums.outside.defined() ? sums.outside.sum(0).flatten() : torch::Tensor(), sums.by_height.sum(0),
          sums.by_width.sum(0)};
}

}  // namespace lamina::nn
