// Random turns, sizes and shifts of patches.
#include "random_affine.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

namespace lamina {
namespace {

constexpr const char* kDegreesHelp =
    "largest angles about [z, y, x]; empty: 30 each, in plane 180 (15 for one oblong slice), as nnU-Net does";
constexpr const char* kRangeHelp =
    "factors between which the size is drawn, the same for all axes; above 1 makes objects smaller";

void check_degrees(const std::vector<double>& degrees, OptionErrors& errors, const std::string& where) {
  if (degrees.empty() || degrees.size() == 3) return;
  errors.add(where + ".degrees", text("got ", degrees.size(), " numbers, expected 3 (about z, y, x) or none"));
}

void check_range(const std::array<double, 2>& range, OptionErrors& errors, const std::string& where) {
  if (range[0] <= range[1]) return;
  errors.add(where + ".range", text("got [", join(range), "], expected the smaller number first"));
}

RandomAffineOptions as_affine(const RandomRotateOptions& options) {
  RandomAffineOptions affine;
  affine.p_rotate = options.p, affine.p_scale = 0;
  affine.degrees = options.degrees;
  affine.limits = options.limits;
  return affine;
}

RandomAffineOptions as_affine(const RandomScaleOptions& options) {
  RandomAffineOptions affine;
  affine.p_rotate = 0, affine.p_scale = options.p;
  affine.range = options.range;
  affine.limits = options.limits;
  return affine;
}

}  // namespace

void SpatialLimits::bind(OptionBinder& o) {
  o.field("in_plane", in_plane,
          "whether z is left alone: auto does so for patches of one slice or more than 3 times wider than deep",
          OneOf{"auto", "always", "never"});
  o.field("max_reach", max_reach,
          "patches are cut at most this many times larger than needed; what lies beyond is padded with 0", AtLeast{1});
}

void RandomRotateOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("degrees", degrees, kDegreesHelp, Range{0, 180});
  limits.bind(o);
}

void RandomRotateOptions::check(OptionErrors& errors, const std::string& where) const {
  check_degrees(degrees, errors, where);
}

void RandomScaleOptions::bind(OptionBinder& o) {
  o.field("p", p, "probability", Range{0, 1});
  o.field("range", range, kRangeHelp, Range{0.1, 10});
  limits.bind(o);
}

void RandomScaleOptions::check(OptionErrors& errors, const std::string& where) const {
  check_range(range, errors, where);
}

void RandomAffineOptions::bind(OptionBinder& o) {
  o.field("p_rotate", p_rotate, "probability of a turn", Range{0, 1});
  o.field("p_scale", p_scale, "probability of another size", Range{0, 1});
  o.field("p_shift", p_shift, "probability of a shift", Range{0, 1});
  o.field("degrees", degrees, kDegreesHelp, Range{0, 180});
  o.field("range", range, kRangeHelp, Range{0.1, 10});
  o.field("shift", shift, "largest shift along each axis, as a fraction of the patch", Range{0, 1});
  limits.bind(o);
}

void RandomAffineOptions::check(OptionErrors& errors, const std::string& where) const {
  check_degrees(degrees, errors, where);
  check_range(range, errors, where);
}

RandomAffine::RandomAffine(const Options& options, const TransformContext& context)
    : options_(options),
      patch_(context.patch),
      in_plane_(warping::works_in_plane(options.limits.in_plane, context.patch)),
      degrees_(warping::usual_degrees(context.patch, in_plane_)) {
  if (!options_.degrees.empty()) std::copy(options_.degrees.begin(), options_.degrees.end(), degrees_.begin());
  if (in_plane_) degrees_[1] = degrees_[2] = 0;
}

std::array<double, 3> RandomAffine::draw_angles(Random& random) const {
  std::array<double, 3> angles{};
  for (size_t axis = 0; axis < 3; ++axis) angles[axis] = random.uniform(-1, 1) * degrees_[axis] / 180 * M_PI;
  return angles;
}

std::array<double, 3> RandomAffine::draw_shift(Random& random) const {
  std::array<double, 3> shift{};
  for (size_t axis = 0; axis < 3; ++axis) {
    shift[axis] = random.uniform(-options_.shift, options_.shift) * static_cast<double>(patch_[axis]);
  }
  if (in_plane_) shift[0] = 0;
  return shift;
}

Case RandomAffine::apply(Case one, Random& random) const {
  const bool turn = random.chance(options_.p_rotate), resize = random.chance(options_.p_scale),
             move = random.chance(options_.p_shift);
  if (!turn && !resize && !move) return one;
  warping::Warp warp;
  if (turn) warp.matrix = warping::rotation(draw_angles(random));
  if (resize) {
    const double factor = random.uniform(options_.range[0], options_.range[1]);
    warp.matrix = warping::product(warp.matrix, warping::scaling(factor, in_plane_));
  }
  if (move) warp.shift = draw_shift(random);
  return warping::warped(std::move(one), warp);
}

std::array<double, 3> RandomAffine::reach() const {
  std::array<double, 3> reach{1, 1, 1};
  if (options_.p_rotate > 0) reach = warping::rotation_reach(degrees_, patch_);
  for (size_t axis = 0; axis < 3; ++axis) {
    if (in_plane_ && axis == 0) continue;
    if (options_.p_scale > 0) reach[axis] *= std::max(1.0, options_.range[1]);
    if (options_.p_shift > 0) reach[axis] += 2 * options_.shift;
    reach[axis] = std::min(reach[axis], options_.limits.max_reach);
  }
  return reach;
}

RandomRotate::RandomRotate(const Options& options, const TransformContext& context)
    : RandomAffine(as_affine(options), context) {}

RandomScale::RandomScale(const Options& options, const TransformContext& context)
    : RandomAffine(as_affine(options), context) {}

}  // namespace lamina
