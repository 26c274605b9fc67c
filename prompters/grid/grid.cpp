// A regular grid of points on every slice.
#include "grid.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/point_grid.hpp>

#include <torch/utils.h>

namespace lamina {
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
    const torch::Tensor points = nn::point_grid(options_.points, image.size(3), image.size(4));
    prompts.points = points.to(image.device(), torch::kFloat32).repeat({slices, 1}).unsqueeze(1);
    prompts.point_labels = torch::ones({count, 1}, index);
    prompts.multimask = options_.multimask;
    result.set(stream, std::move(prompts));
  }
  return result;
}

}  // namespace lamina
