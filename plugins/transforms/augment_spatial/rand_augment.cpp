// A few picture operations, drawn anew for every patch.
#include "rand_augment.hpp"

#include "picture.hpp"
#include "warp.hpp"

#include <lamina/base/text.hpp>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// Slices of a case by an operation on values; labels stay.
template <class Change>
Case with_values(Case one, const Change& change) {
  for (auto& [stream, volume] : one.images) volume.voxels = change(volume.voxels);
  return one;
}

double drawn(const std::array<double, 2>& range, Random& random) { return random.uniform(range[0], range[1]); }

}  // namespace

void RandAugmentOptions::bind(OptionBinder& o) {
  OneOf known{};
  known.choices = operations;
  o.field("count", count, "operations for each patch", Range{1, 8});
  o.field("operations", operations, "what they are drawn from, with replacement", known);
  o.field("shear", shear, "largest shear, of x along y and of y along x", Range{0, 1});
  o.field("translate", translate, "largest shift along y and x, as a fraction of the patch", Range{0, 1});
  o.field("scale", scale, "sizes between which one is drawn; above 1 makes objects larger", Range{0.1, 10});
  o.field("bits", bits, "bits of 8 between which posterize draws what it keeps", Range{1, 8});
  o.field("contrast", contrast, "factors about a slice's mean", Range{0, 10});
  o.field("brightness", brightness, "factors of the values", Range{0, 10});
  o.field("sharpness", sharpness, "factors about the smoothed slice; below 1 blurs", Range{0, 10});
  o.field("quantize", quantize, "round values to 256 levels first, as pictures have them");
}

void RandAugmentOptions::check(OptionErrors& errors, const std::string& where) const {
  const auto order = [&](const auto& range, const char* name) {
    if (range[0] > range[1])
      errors.add(text(where, ".", name), text("got [", join(range), "], expected the smaller number first"));
  };
  order(scale, "scale");
  order(bits, "bits");
  order(contrast, "contrast");
  order(brightness, "brightness");
  order(sharpness, "sharpness");
  if (operations.empty()) errors.add(where + ".operations", "is empty; expected at least one operation");
}

RandAugment::RandAugment(const Options& options, const TransformContext&) : options_(options) {}

Case RandAugment::run(const std::string& operation, Case one, Random& random) const {
  if (operation == "identity") return one;
  if (operation == "posterize") {
    const int64_t bits = random.integer(options_.bits[0], options_.bits[1]);
    return with_values(std::move(one), [&](const torch::Tensor& x) { return picture::posterized(x, bits); });
  }
  if (operation == "contrast") {
    const double factor = drawn(options_.contrast, random);
    return with_values(std::move(one), [&](const torch::Tensor& x) { return picture::contrasted(x, factor); });
  }
  if (operation == "brightness") {
    const double factor = drawn(options_.brightness, random);
    return with_values(std::move(one), [&](const torch::Tensor& x) { return (x * factor).clamp_(0, 1); });
  }
  if (operation == "sharpness") {
    const double factor = drawn(options_.sharpness, random);
    return with_values(std::move(one), [&](const torch::Tensor& x) { return picture::sharpened(x, factor); });
  }
  const auto sign = [&](double most) { return random.uniform(-most, most); };
  const Size3 size = one.images.primary().size();
  warping::Warp warp;  // of y and x alone
  if (operation == "scale") {
    warp.matrix = warping::scaling(1 / drawn(options_.scale, random), /*in_plane=*/true);
  } else if (operation == "shear") {
    warp.matrix = {1, 0, 0, 0, 1, sign(options_.shear), 0, sign(options_.shear), 1};
  } else {
    warp.shift = {0, sign(options_.translate) * static_cast<double>(size[1]),
                  sign(options_.translate) * static_cast<double>(size[2])};
  }
  return warping::warped(std::move(one), warp);
}

Case RandAugment::apply(Case one, Random& random) const {
  if (options_.quantize) one = with_values(std::move(one), picture::quantized);
  for (int64_t i = 0; i < options_.count; ++i) {
    const auto& chosen =
        options_.operations[static_cast<size_t>(random.integer(0, std::ssize(options_.operations) - 1))];
    one = run(chosen, std::move(one), random);
  }
  return one;
}

}  // namespace lamina
