// Contrast drawn per case, texture, partial volume, blur, shading and Rician noise.
#include "appearance.hpp"

#include "smooth_field.hpp"

#include <algorithm>
#include <cmath>

namespace lamina::phantom {
namespace {

using Signals = std::array<double, kTissues>;

//                              air   fat   muscle bone  vessel gut   stomach liver spleen kidney lesion
constexpr Signals kWeightingA{0.02, 0.95, 0.42, 0.30, 0.20, 0.36, 0.24, 0.64, 0.46, 0.52, 0.46};
constexpr Signals kWeightingB{0.02, 0.78, 0.24, 0.42, 0.14, 0.62, 0.88, 0.36, 0.62, 0.76, 0.60};

Signals draw_signals(double contrast, Random random) {
  const double mix = 0.5 + contrast * random.uniform(-0.5, 0.5);
  Signals signals{};
  for (size_t i = 0; i < kTissues; ++i) {
    signals[i] = (1 - mix) * kWeightingA[i] + mix * kWeightingB[i];
    if (i > 0) signals[i] *= 1 + 0.12 * contrast * random.uniform(-1, 1);
  }
  // Where the weightings cross, a lesion would vanish: it keeps a distance from the liver.
  const size_t liver = static_cast<size_t>(Tissue::Liver), lesion = static_cast<size_t>(Tissue::Lesion);
  const double difference = signals[lesion] - signals[liver];
  if (std::abs(difference) < 0.17) signals[lesion] = signals[liver] + (difference < 0 ? -0.17 : 0.17);
  return signals;
}

int cells_for(int64_t voxels, double size) { return std::max(1, static_cast<int>(static_cast<double>(voxels) / size)); }

// Signal of every fine voxel with texture, averaged over the fine slices of each slice.
std::vector<double> exposed(const FineGrid& grid, int64_t slab, const std::vector<Tissue>& tissues,
                            const Signals& signals, const Random& random) {
  const SmoothField texture({cells_for(grid.depth, 4), cells_for(grid.height, 4), cells_for(grid.width, 4)}, 1,
                            random.fork("texture"));
  const int64_t plane = grid.height * grid.width;
  std::vector<double> out(static_cast<size_t>(grid.depth / slab * plane), 0.0);
  for (int64_t k = 0; k < grid.depth / slab * slab; ++k) {
    const double w = (static_cast<double>(k) + 0.5) / static_cast<double>(grid.depth);
    for (int64_t j = 0; j < grid.height; ++j) {
      const SmoothField::Row row(texture, w, (static_cast<double>(j) + 0.5) / static_cast<double>(grid.height));
      const Tissue* from = tissues.data() + k * plane + j * grid.width;
      double* to = out.data() + k / slab * plane + j * grid.width;
      for (int64_t i = 0; i < grid.width; ++i) {
        const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(grid.width);
        to[i] += signals[static_cast<size_t>(from[i])] * (1 + 0.22 * row.at(u, 0)) / static_cast<double>(slab);
      }
    }
  }
  return out;
}

// In-plane blur of the point spread: Gaussian of three taps each way.
void blur_lines(std::vector<double>& values, int64_t lines, int64_t length, int64_t line_step, int64_t step,
                const std::array<double, 3>& taps) {
  std::vector<double> line(static_cast<size_t>(length));
  const auto clamped = [&](int64_t i) { return line[static_cast<size_t>(std::clamp<int64_t>(i, 0, length - 1))]; };
  for (int64_t n = 0; n < lines; ++n) {
    double* start = values.data() + n * line_step;
    for (int64_t i = 0; i < length; ++i) line[static_cast<size_t>(i)] = start[i * step];
    for (int64_t i = 0; i < length; ++i) {
      start[i * step] = taps[0] * line[static_cast<size_t>(i)] + taps[1] * (clamped(i - 1) + clamped(i + 1)) +
                        taps[2] * (clamped(i - 2) + clamped(i + 2));
    }
  }
}

void blur(std::vector<double>& values, const FineGrid& grid, double sigma) {
  std::array<double, 3> taps{1, std::exp(-0.5 / (sigma * sigma)), std::exp(-2 / (sigma * sigma))};
  const double sum = taps[0] + 2 * taps[1] + 2 * taps[2];
  for (auto& tap : taps) tap /= sum;
  const auto slices = static_cast<int64_t>(values.size()) / (grid.height * grid.width);
  blur_lines(values, slices * grid.height, grid.width, grid.width, 1, taps);
  for (int64_t k = 0; k < slices; ++k) {
    std::vector<double> slice(values.begin() + k * grid.height * grid.width,
                              values.begin() + (k + 1) * grid.height * grid.width);
    blur_lines(slice, grid.width, grid.height, 1, grid.width, taps);
    std::copy(slice.begin(), slice.end(), values.begin() + k * grid.height * grid.width);
  }
}

}  // namespace

std::vector<float> take_picture(const FineGrid& grid, int64_t slab, const std::vector<Tissue>& tissues,
                                const Scanner& scanner, const Random& random) {
  const Signals signals = draw_signals(scanner.contrast, random.fork("signals"));
  std::vector<double> values = exposed(grid, slab, tissues, signals, random);
  Random setting = random.fork("setting");
  blur(values, grid, setting.uniform(0.6, 0.9));
  const double gain = setting.uniform(300, 1500), noise = scanner.noise * setting.uniform(0.7, 1.3);
  const SmoothField shading({1, 2, 2}, 1, random.fork("shading"));
  Random grain = random.fork("noise");
  const int64_t slices = grid.depth / slab;
  std::vector<float> out(values.size());
  const double* from = values.data();
  float* to = out.data();
  for (int64_t k = 0; k < slices; ++k) {
    for (int64_t j = 0; j < grid.height; ++j) {
      const SmoothField::Row row(shading, (static_cast<double>(k) + 0.5) / static_cast<double>(slices),
                                 (static_cast<double>(j) + 0.5) / static_cast<double>(grid.height));
      for (int64_t i = 0; i < grid.width; ++i) {
        const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(grid.width);
        const double signal = *from++ * std::exp(2 * scanner.bias * row.at(u, 0));
        const double real = signal + noise * grain.normal(), imaginary = noise * grain.normal();
        *to++ = static_cast<float>(gain * std::hypot(real, imaginary));
      }
    }
  }
  return out;
}

std::vector<int64_t> take_labels(const FineGrid& grid, int64_t slab, const std::vector<Tissue>& tissues,
                                 int64_t classes) {
  const int64_t plane = grid.height * grid.width, slices = grid.depth / slab;
  std::vector<int64_t> out(static_cast<size_t>(slices * plane));
  for (int64_t k = 0; k < slices; ++k) {
    for (int64_t i = 0; i < plane; ++i) {
      std::array<int, kTissues> votes{};
      int64_t chosen = label_of(tissues[static_cast<size_t>((k * slab + slab / 2) * plane + i)]);
      for (int64_t s = 0; s < slab; ++s) {
        const int64_t label = label_of(tissues[static_cast<size_t>((k * slab + s) * plane + i)]);
        if (2 * ++votes[static_cast<size_t>(label)] > slab) chosen = label;
      }
      out[static_cast<size_t>(k * plane + i)] = chosen < classes ? chosen : 0;
    }
  }
  return out;
}

}  // namespace lamina::phantom
