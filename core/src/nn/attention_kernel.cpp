// Hands heads to the kernel: packs keys, values and queries of one head, and lays the result out.
#include "nn/attention_kernel.hpp"

#include "nn/attention_panel/panel.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

constexpr size_t kAlignment = 64;  // bytes: the widest vector
constexpr int64_t kTasksPerThread = 4;
constexpr int64_t kLeastQueries = 256;  // a task's; packing keys and values is then a small part

struct AlignedDelete {
  void operator()(float* memory) const { ::operator delete[](memory, std::align_val_t(kAlignment)); }
};
using AlignedFloats = std::unique_ptr<float[], AlignedDelete>;

AlignedFloats aligned_floats(size_t count) {
  return AlignedFloats(static_cast<float*>(::operator new[](count * sizeof(float), std::align_val_t(kAlignment))));
}

/// Some queries of one head in one image.
struct Piece {
  int64_t image, head, first, count;
};

std::vector<Piece> pieces_of(const AttentionSizes& sizes) {
  const int64_t heads = sizes.images * sizes.heads, wanted = kTasksPerThread * at::get_num_threads();
  const int64_t most = std::max<int64_t>(1, sizes.queries() / kLeastQueries);
  const int64_t parts = std::clamp<int64_t>((wanted + heads - 1) / heads, 1, most);
  const int64_t length = (sizes.queries() + parts - 1) / parts;
  std::vector<Piece> pieces;
  for (int64_t i = 0; i < heads; ++i) {
    for (int64_t first = 0; first < sizes.queries(); first += length)
      pieces.push_back({i / sizes.heads, i % sizes.heads, first, std::min(length, sizes.queries() - first)});
  }
  return pieces;
}

/// What one thread works in; sized for the largest piece.
class Worker {
 public:
  Worker(const float* qkv, const torch::Tensor& by_height, const torch::Tensor& by_width, const AttentionSizes& sizes,
         float* result)
      : qkv_(qkv),
        result_(result),
        sizes_(sizes),
        channels_(sizes.heads * sizes.head_width),
        keys_(floats(sizes.keys())),
        values_(floats(sizes.keys())),
        queries_(floats(sizes.queries())),
        mixed_(floats(sizes.queries())),
        workspace_(aligned_floats(panel::workspace_floats(sizes.height, sizes.width, sizes.head_width))),
        rows_(static_cast<size_t>(sizes.queries())),
        columns_(rows_.size()) {
    call_ = {sizes.height,
             sizes.width,
             sizes.head_width,
             keys_.get(),
             values_.get(),
             by_height.data_ptr<float>(),
             by_width.data_ptr<float>(),
             queries_.get(),
             rows_.data(),
             columns_.data(),
             0,
             mixed_.get(),
             workspace_.get()};
  }

  void run(const Piece& piece, panel::Kernel kernel) {
    if (piece.image != image_ || piece.head != head_) pack_keys(piece);
    pack_queries(piece);
    call_.count = piece.count;
    kernel(call_);
    unpack(piece);
  }

 private:
  AlignedFloats floats(int64_t rows) const { return aligned_floats(static_cast<size_t>(rows * sizes_.head_width)); }

  /// Part 0, 1, 2 (q, k, v) of a token.
  const float* token(const Piece& piece, int64_t part, int64_t y, int64_t x) const {
    return qkv_ + ((piece.image * sizes_.height + y) * sizes_.width + x) * 3 * channels_ + part * channels_ +
           piece.head * sizes_.head_width;
  }

  void copy_row(float* to, const float* from) const {
    std::memcpy(to, from, static_cast<size_t>(sizes_.head_width) * sizeof(float));
  }

  void pack_keys(const Piece& piece) {
    for (int64_t key = 0; key < sizes_.keys(); ++key) {
      const int64_t y = key / sizes_.width, x = key % sizes_.width, at = key * sizes_.head_width;
      copy_row(keys_.get() + at, token(piece, 1, y, x));
      copy_row(values_.get() + at, token(piece, 2, y, x));
    }
    image_ = piece.image;
    head_ = piece.head;
  }

  void pack_queries(const Piece& piece) {
    for (int64_t i = 0; i < piece.count; ++i) {
      const int64_t y = (piece.first + i) / sizes_.area.width, x = (piece.first + i) % sizes_.area.width;
      copy_row(queries_.get() + i * sizes_.head_width, token(piece, 0, y, x));
      rows_[static_cast<size_t>(i)] = y;
      columns_[static_cast<size_t>(i)] = x;
    }
  }

  void unpack(const Piece& piece) const {
    float* to = result_ + (piece.image * sizes_.queries() + piece.first) * channels_ + piece.head * sizes_.head_width;
    for (int64_t i = 0; i < piece.count; ++i) copy_row(to + i * channels_, mixed_.get() + i * sizes_.head_width);
  }

  const float* qkv_;
  float* result_;
  const AttentionSizes& sizes_;
  const int64_t channels_;
  AlignedFloats keys_, values_, queries_, mixed_, workspace_;
  std::vector<long> rows_, columns_;
  panel::Call call_{};
  int64_t image_ = -1, head_ = -1;  // whose keys are packed
};

torch::Tensor plain_floats(const torch::Tensor& tensor) { return tensor.to(torch::kFloat32).contiguous(); }

}  // namespace

bool has_kernel(const torch::Tensor& qkv) {
  static const bool any = panel::best_kernel() != nullptr;
  return any && qkv.is_cpu() && qkv.scalar_type() != torch::kFloat64;
}

torch::Tensor kernel_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes) {
  static const panel::Kernel kernel = panel::best_kernel();
  const torch::Tensor input = plain_floats(qkv), by_height = plain_floats(tables.height),
                      by_width = plain_floats(tables.width);
  const torch::Tensor result =
      at::empty({sizes.images, sizes.area.height, sizes.area.width, sizes.heads * sizes.head_width}, input.options());
  const auto pieces = pieces_of(sizes);
  at::parallel_for(0, std::ssize(pieces), 1, [&](int64_t begin, int64_t end) {
    Worker worker(input.data_ptr<float>(), by_height, by_width, sizes, result.data_ptr<float>());
    for (int64_t i = begin; i < end; ++i) worker.run(pieces[static_cast<size_t>(i)], kernel);
  });
  return result.to(qkv.scalar_type());
}

}  // namespace lamina::nn
