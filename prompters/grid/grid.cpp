// A regular grid of points on every slice.
#include "grid.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

// Points (x, y) at the centres of n x n fields over a slice: [n*n, 2], x fastest.
torch::Tensor field_centres(int64_t n, int64_t height, int64_t width, torch::Device device) {
  const torch::Tensor parts = (torch::arange(n, torch::dtype(torch::kFloat32).device(device)) + 0.5) / n;
  const torch::Tensor x = (parts * width).repeat({n}), y = (parts * height).repeat_interleave(n);
  return torch::stack({x, y}, 1);
}

}  // namespace

void GridOptions::bind(OptionBinder& o) {
  o.field("points", points, "Points along each side of a slice; each of the points x points is a prompt of its own",
          Range{1, 256});
  o.field("class", class_id, "Label that all points ask for; null: unknown", AtLeast{1});
  o.field("multimask", multimask, "Ask for several masks per point where the decoder can make them");
}

Grid::Grid(const Options& options, const PrompterContext& context) : options_(options) {
  if (!options.class_id || *options.class_id < context.classes) return;
  throw ConfigError(text("model.prompter.class: got ", *options.class_id, ", expected a class number from 1 to ",
                         context.classes - 1, ", or null"));
}

Streams<Prompts> Grid::prompt(Scene& scene) {
  Streams<Prompts> result;
  const int64_t queries = options_.points * options_.points;
  for (const auto& [stream, image] : scene.batch().images) {
    const int64_t slices = image.size(0) * image.size(2), count = slices * queries;
    const auto index = torch::dtype(torch::kInt64).device(image.device());
    Prompts prompts;
    prompts.image_index = torch::arange(slices, index).repeat_interleave(queries);
    prompts.class_id = torch::full({count}, options_.class_id.value_or(-1), index);
    prompts.points =
        field_centres(options_.points, image.size(3), image.size(4), image.device()).repeat({slices, 1}).unsqueeze(1);
    prompts.point_labels = torch::ones({count, 1}, index);
    prompts.multimask = options_.multimask;
    result.set(stream, std::move(prompts));
  }
  return result;
}

}  // namespace lamina
