// Attention some query rows at a time. A tile holds whole rows of scores, so torch's own softmax and its backward do
// the middle, and nothing but queries, keys, values and tables is kept for the backward pass.
//
// Relative position: one product of the queries with a table whose rows run from the nearest to the farthest key,
// [queries, 2h-1 + 2w-1]. The part that belongs to a query at row y begins at column h-1-y, so a view whose stride
// along y is one element short picks it, without a gather. The backward pass writes through the same view.
#include "nn/attention_tiled.hpp"

#include "nn/attention_kernel.hpp"

#include <lamina/base/error.hpp>

#include <algorithm>
#include <cmath>
#include <functional>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

// Scores of one tile: half a mebibyte in float32, so that it stays in a core's own cache.
constexpr int64_t kTileScores = 128 * 1024;

/// What one worker takes: all heads of some images where these are small, else some rows of one head at a time.
struct Cut {
  int64_t images, heads, rows;
};

Cut cut_of(const AttentionSizes& sizes) {
  const int64_t head = sizes.queries() * sizes.keys();
  if (head * sizes.heads <= kTileScores)
    return {std::min(sizes.images, kTileScores / (head * sizes.heads)), sizes.heads, sizes.area.height};
  return {1, 1, std::clamp<int64_t>(kTileScores / (sizes.area.width * sizes.keys()), 1, sizes.area.height)};
}

struct Task {
  int64_t index, image, images, head, heads;
};

int64_t task_count(const AttentionSizes& sizes, const Cut& cut) {
  return (sizes.images + cut.images - 1) / cut.images * (sizes.heads / cut.heads);
}

/// Calls `work` for every task; on the CPU tasks run side by side and the operators inside them do not.
void for_each_task(const AttentionSizes& sizes, const Cut& cut, bool parallel,
                   const std::function<void(const Task&)>& work) {
  const int64_t across = sizes.heads / cut.heads, count = task_count(sizes, cut);
  const auto range = [&](int64_t begin, int64_t end) {
    // Workers start with fresh thread-local settings: no history and no casts in here, whatever is on outside.
    const at::AutoDispatchBelowADInplaceOrView below;
    const c10::impl::ExcludeDispatchKeyGuard exact(c10::autocast_dispatch_keyset);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / across * cut.images;
      work({i, image, std::min(cut.images, sizes.images - image), i % across * cut.heads, cut.heads});
    }
  };
  if (parallel) {
    at::parallel_for(0, count, 1, range);
  } else {
    range(0, count);
  }
}

/// part_view() of the task's images and heads.
torch::Tensor task_part(const torch::Tensor& fused, int64_t part, const AttentionSizes& sizes, const Task& task,
                        const QueryArea& area) {
  return part_view(fused, part, sizes, area)
      .slice(0, task.image, task.image + task.images)
      .slice(1, task.head, task.head + task.heads);
}

/// View of a task's rows in a tensor of the queries [N, area.height, area.width, C]: [images, heads, rows, width, d].
torch::Tensor rows_view(const torch::Tensor& tensor, const AttentionSizes& sizes, const Task& task, int64_t first,
                        int64_t rows) {
  return tensor.unflatten(3, {sizes.heads, sizes.head_width})
      .slice(0, task.image, task.image + task.images)
      .slice(1, first, first + rows)
      .slice(3, task.head, task.head + task.heads)
      .permute({0, 3, 1, 2, 4});
}

torch::Tensor packed(const torch::Tensor& view, torch::ScalarType type) {
  return view.to(type).contiguous().flatten(2, 3).flatten(0, 1);  // [G, tokens, d], G = images * heads
}

/// Queries, keys and values of a task, each [G, tokens, d].
struct Operands {
  torch::Tensor q, k, v;
};

Operands operands_of(const torch::Tensor& qkv, const AttentionSizes& sizes, const Task& task, torch::ScalarType type) {
  const QueryArea whole{sizes.height, sizes.width};
  return {packed(task_part(qkv, 0, sizes, task, sizes.area), type), packed(task_part(qkv, 1, sizes, task, whole), type),
          packed(task_part(qkv, 2, sizes, task, whole), type)};
}

/// Some query rows of one task. Products with the turned table are [G, rows * area.width, 2h-1 + 2w-1].
class Tile {
 public:
  Tile(const AttentionSizes& sizes, int64_t first_row, int64_t rows)
      : sizes_(sizes), first_row_(first_row), rows_(rows), reach_(2 * sizes.height + 2 * sizes.width - 2) {}

  int64_t queries() const { return rows_ * sizes_.area.width; }
  torch::Tensor cut(const torch::Tensor& queries) const {
    return queries.narrow(1, first_row_ * sizes_.area.width, this->queries());
  }

  /// [G, rows, area.width, h]: for each query row its stretch of the table along the height.
  torch::Tensor along_height(const torch::Tensor& products) const {
    const int64_t width = sizes_.area.width;
    return products.as_strided({products.size(0), rows_, width, sizes_.height},
                               {queries() * reach_, width * reach_ - 1, reach_, 1}, sizes_.height - 1 - first_row_);
  }
  /// [G, rows, area.width, w].
  torch::Tensor along_width(const torch::Tensor& products) const {
    const int64_t width = sizes_.area.width;
    return products.as_strided({products.size(0), rows_, width, sizes_.width},
                               {queries() * reach_, width * reach_, reach_ - 1, 1},
                               2 * sizes_.height - 1 + sizes_.width - 1);
  }
  /// [G, queries, keys] seen as [G, rows, area.width, h, w].
  torch::Tensor as_grid(const torch::Tensor& scores) const {
    return scores.view({scores.size(0), rows_, sizes_.area.width, sizes_.height, sizes_.width});
  }

  /// softmax(scale * q k^T + q Rh + q Rw): [G, queries, keys].
  torch::Tensor weights(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& table,
                        double scale) const {
    const torch::Tensor products = at::matmul(q.flatten(0, 1), table.t()).view({q.size(0), queries(), reach_});
    torch::Tensor scores = at::empty({q.size(0), queries(), sizes_.keys()}, q.options());
    torch::Tensor grid = as_grid(scores);
    at::add_out(grid, along_height(products).unsqueeze(-1), along_width(products).unsqueeze(-2));
    scores.baddbmm_(q, k.transpose(1, 2), 1, scale);
    return at::softmax(scores, -1);
  }

 private:
  const AttentionSizes& sizes_;
  int64_t first_row_, rows_, reach_;
};

double scale_of(const AttentionSizes& sizes) { return 1.0 / std::sqrt(static_cast<double>(sizes.head_width)); }

/// Everything is computed in float32, or in float64 where that comes in.
torch::ScalarType exact_type(const torch::Tensor& qkv) {
  return qkv.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

torch::Tensor compute(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes) {
  const torch::ScalarType type = exact_type(qkv);
  const torch::Tensor table = turned_tables(tables, type);
  const torch::Tensor result =
      at::empty({sizes.images, sizes.area.height, sizes.area.width, sizes.heads * sizes.head_width}, qkv.options());
  const Cut cut = cut_of(sizes);
  for_each_task(sizes, cut, qkv.is_cpu(), [&](const Task& task) {
    const auto [q, k, v] = operands_of(qkv, sizes, task, type);
    for (int64_t first = 0; first < sizes.area.height; first += cut.rows) {
      const int64_t rows = std::min(cut.rows, sizes.area.height - first);
      const Tile tile(sizes, first, rows);
      const torch::Tensor mixed = at::bmm(tile.weights(tile.cut(q), k, table, scale_of(sizes)), v);
      torch::Tensor target = rows_view(result, sizes, task, first, rows);
      target.copy_(mixed.view(target.sizes()));
    }
  });
  return result;
}

struct Gradients {
  torch::Tensor qkv, table;  ///< table: of both, turned as turned_tables() does
};

/// Backward of one task; the turned table's gradient comes back, [2h-1 + 2w-1, d].
torch::Tensor task_gradient(const torch::Tensor& qkv, const torch::Tensor& table, const torch::Tensor& grad_result,
                            const AttentionSizes& sizes, const Cut& cut, const Task& task,
                            const torch::Tensor& grad_qkv) {
  const torch::ScalarType type = table.scalar_type();
  const QueryArea whole{sizes.height, sizes.width};
  const double scale = scale_of(sizes);
  const auto [q_all, k, v] = operands_of(qkv, sizes, task, type);
  torch::Tensor grad_k = at::zeros_like(k), grad_v = at::zeros_like(v), grad_table = at::zeros_like(table);
  const torch::Tensor target_q = task_part(grad_qkv, 0, sizes, task, sizes.area);
  for (int64_t first = 0; first < sizes.area.height; first += cut.rows) {
    const int64_t rows = std::min(cut.rows, sizes.area.height - first);
    const Tile tile(sizes, first, rows);
    const torch::Tensor q = tile.cut(q_all);
    const torch::Tensor weights = tile.weights(q, k, table, scale);
    const torch::Tensor grad_mixed = packed(rows_view(grad_result, sizes, task, first, rows), type);
    grad_v.baddbmm_(weights.transpose(1, 2), grad_mixed);
    const torch::Tensor grad_scores =
        at::_softmax_backward_data(at::bmm(grad_mixed, v.transpose(1, 2)), weights, -1, type);
    grad_k.baddbmm_(grad_scores.transpose(1, 2), q, 1, scale);
    torch::Tensor grad_products = at::zeros({q.size(0), q.size(1), table.size(0)}, q.options());
    tile.along_height(grad_products).copy_(tile.as_grid(grad_scores).sum(-1));
    tile.along_width(grad_products).copy_(tile.as_grid(grad_scores).sum(-2));
    grad_products = grad_products.flatten(0, 1);  // [G * queries, reach]
    grad_table.addmm_(grad_products.t(), q.flatten(0, 1));
    const torch::Tensor grad_q = at::matmul(grad_products, table).view(q.sizes()).baddbmm_(grad_scores, k, 1, scale);
    torch::Tensor target = target_q.slice(2, first, first + rows);
    target.copy_(grad_q.view(target.sizes()));
  }
  torch::Tensor target_k = task_part(grad_qkv, 1, sizes, task, whole);
  torch::Tensor target_v = task_part(grad_qkv, 2, sizes, task, whole);
  target_k.copy_(grad_k.view(target_k.sizes()));
  target_v.copy_(grad_v.view(target_v.sizes()));
  return grad_table;
}

Gradients differentiate(const torch::Tensor& qkv, const RelPosTables& tables, const torch::Tensor& grad_result,
                        const AttentionSizes& sizes) {
  const torch::Tensor table = turned_tables(tables, exact_type(qkv));
  const bool all_ask = sizes.queries() == sizes.keys();
  // Queries outside the area have the gradient 0; everything else is written.
  const torch::Tensor grad_qkv =
      all_ask ? at::empty(qkv.sizes(), qkv.options()) : at::zeros(qkv.sizes(), qkv.options());
  const Cut cut = cut_of(sizes);
  // One sum per task, added up in a fixed order: the same bits with any timing of the threads.
  std::vector<torch::Tensor> parts(static_cast<size_t>(task_count(sizes, cut)));
  for_each_task(sizes, cut, qkv.is_cpu(), [&](const Task& task) {
    parts[static_cast<size_t>(task.index)] = task_gradient(qkv, table, grad_result, sizes, cut, task, grad_qkv);
  });
  return {grad_qkv, at::stack(parts).sum(0)};
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class TiledAttention : public torch::autograd::Function<TiledAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv, const torch::Tensor& by_height,
                               const torch::Tensor& by_width, int64_t heads, int64_t area_height, int64_t area_width) {
    context->save_for_backward({qkv, by_height, by_width});
    context->saved_data["sizes"] = std::vector<int64_t>{heads, area_height, area_width};
    return compute(qkv, {by_height, by_width}, sizes_of_fused(qkv, heads, {area_height, area_width}));
  }

  static variable_list backward(AutogradContext* context, const variable_list& grad_outputs) {
    refuse_second_derivative();
    const auto saved = context->get_saved_variables();
    const auto numbers = context->saved_data["sizes"].toIntVector();
    const RelPosTables tables{saved[1], saved[2]};
    const auto sizes = sizes_of_fused(saved[0], numbers[0], {numbers[1], numbers[2]});
    const Gradients gradients = differentiate(saved[0], tables, grad_outputs[0], sizes);
    const RelPosTables by_table = turned_back(gradients.table, tables);
    return {gradients.qkv, by_table.height, by_table.width, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor turned_tables(const RelPosTables& tables, torch::ScalarType type) {
  return at::cat({tables.height.flip(0), tables.width.flip(0)}).to(type);
}

RelPosTables turned_back(const torch::Tensor& turned, const RelPosTables& like) {
  const auto part = [&](int64_t first, const torch::Tensor& table) {
    return turned.narrow(0, first, table.size(0)).flip(0).to(table.scalar_type());
  };
  return {part(0, like.height), part(like.height.size(0), like.width)};
}

void refuse_second_derivative() {
  if (at::GradMode::is_enabled())
    throw Error("tiled attention has no second derivative; take the option \"attention\": \"plain\"");
}

torch::Tensor tiled_attention(const torch::Tensor& qkv, const RelPosTables& tables, const AttentionSizes& sizes) {
  if (const auto* kernel = kernel_for(qkv)) {
    const QueryArea whole{sizes.height, sizes.width};
    return kernel_attention(
        *kernel, qkv, torch::Tensor(), tables,
        {sizes.images, sizes.height, sizes.width, sizes.heads, sizes.head_width, whole, sizes.area});
  }
  return TiledAttention::apply(qkv, tables.height, tables.width, sizes.heads, sizes.area.height, sizes.area.width);
}

}  // namespace lamina::nn
