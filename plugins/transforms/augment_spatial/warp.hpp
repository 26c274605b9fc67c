// Linear maps of a volume onto itself, about its centre.
#pragma once

#include <lamina/data/case.hpp>

#include <array>
#include <string>
#include <vector>

namespace lamina::warping {

/// Row-major 3x3, axes z, y, x.
using Matrix = std::array<double, 9>;

/// A voxel of the result at `offset` from the centre takes the value at matrix * offset + shift from the centre;
/// voxels.
struct Warp {
  Matrix matrix{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::array<double, 3> shift{0, 0, 0};
};

Matrix product(const Matrix& a, const Matrix& b);
/// About z, then y, then x; angles in radians in that order.
Matrix rotation(const std::array<double, 3>& angles);
/// A factor above 1 makes objects smaller. `in_plane` leaves z alone.
Matrix scaling(double factor, bool in_plane);

/// Every stream of the case: images by linear interpolation, labels and instances by the largest linearly interpolated
/// indicator (the nearest voxel where two are equal). Outside is 0. Geometry and `valid` stay those of the patch: a
/// turned patch is no longer a place in the patient.
Case warped(Case one, const Warp& warp);

torch::Tensor warp_image(const torch::Tensor& image, const Warp& warp);    // [C, D, H, W] float32
torch::Tensor warp_labels(const torch::Tensor& labels, const Warp& warp);  // [1, D, H, W] of any integer type

/// Whether only y and x are turned and scaled: `choice` is auto, always or never; auto says so for patches of one slice
/// or of slices more than 3 times wider than the patch is deep.
bool works_in_plane(const std::string& choice, const Size3& patch);
/// nnU-Net's largest angles about z, y, x for this patch, in degrees.
std::array<double, 3> usual_degrees(const Size3& patch, bool in_plane);
/// How far a patch turned about one axis at a time, by at most `degrees`, reaches beyond itself, as a factor of its
/// size.
std::array<double, 3> rotation_reach(const std::array<double, 3>& degrees, const Size3& patch);

}  // namespace lamina::warping
