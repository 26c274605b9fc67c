// Brings the position tables of a pretrained encoder to this network's sizes.
#include "sam_vit.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/rel_pos.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include <torch/utils.h>

namespace lamina::sam_vit {
namespace {

std::string shape_text(const torch::Tensor& tensor) { return text("[", join(tensor.sizes(), " x "), "]"); }

std::optional<size_t> as_number(const std::string& word) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// For blocks.<i>.attn.rel_pos_h and rel_pos_w of a block that exists: the rows it should have.
std::optional<int64_t> wanted_rows(const std::string& name, const TableSizes& sizes) {
  const std::vector<std::string> parts = split(name, '.');
  if (parts.size() != 4 || parts[0] != "blocks" || parts[2] != "attn") return std::nullopt;
  if (parts[3] != "rel_pos_h" && parts[3] != "rel_pos_w") return std::nullopt;
  const auto block = as_number(parts[1]);
  if (!block || *block >= sizes.rel_pos.size()) return std::nullopt;
  return sizes.rel_pos[*block][parts[3] == "rel_pos_h" ? 0 : 1];
}

torch::Tensor resize(const torch::Tensor& table, const std::array<int64_t, 2>& size) {
  const torch::Tensor image = table.permute({0, 3, 1, 2}).to(torch::kFloat32);  // [1, C, rows, columns]
  return at::upsample_bilinear2d(image, {size[0], size[1]}, /*align_corners=*/false)
      .permute({0, 2, 3, 1})
      .contiguous()
      .to(table.scalar_type());
}

torch::Tensor top_left(const torch::Tensor& table, const std::array<int64_t, 2>& size) {
  if (table.size(1) < size[0] || table.size(2) < size[1]) {
    throw ConfigError(text("weights: pos_embed in the file is ", shape_text(table),
                           ", but model.encoder.table asks for ", size[0], " x ", size[1],
                           " positions to crop from; set model.encoder.table to ",
                           std::min(table.size(1), table.size(2)), ", or model.encoder.position to resize"));
  }
  return table.slice(1, 0, size[0]).slice(2, 0, size[1]).contiguous();
}

bool is_position_table(const torch::Tensor& tensor) { return tensor.dim() == 4 && tensor.size(0) == 1; }

}  // namespace

StateDict fit_tables(StateDict pretrained, const TableSizes& sizes, bool crop) {
  std::vector<std::string> changed;
  const auto replace = [&](const std::string& name, torch::Tensor& before, const torch::Tensor& after) {
    changed.push_back(text(name, " ", shape_text(before), " -> ", shape_text(after)));
    before = after;
  };
  for (auto& [name, tensor] : pretrained) {
    if (name == "pos_embed" && is_position_table(tensor)) {
      if (tensor.size(1) == sizes.position[0] && tensor.size(2) == sizes.position[1]) continue;
      replace(name, tensor, crop ? top_left(tensor, sizes.position) : resize(tensor, sizes.position));
    } else if (const auto rows = wanted_rows(name, sizes); rows && tensor.dim() == 2 && tensor.size(0) != *rows) {
      const torch::Tensor fitted = nn::resize_rel_pos(tensor.to(torch::kFloat32), (*rows + 1) / 2);
      replace(name, tensor, fitted.to(tensor.scalar_type()));
    }
  }
  if (!changed.empty()) log_info(text("position tables fitted to the encoder's grid: ", join(changed)));
  return pretrained;
}

}  // namespace lamina::sam_vit
