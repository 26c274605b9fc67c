// NIfTI headers: field tables, byte order, and the way from qform or sform to LPS and back.
#include "nifti_header.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lamina::io {
namespace {

using Layout = NiftiHeader::Layout;
using Affine = std::array<double, 12>;  // rows x, y, z of index -> RAS in the file's unit

constexpr Layout kVersion1{348,        {40, 's'},  {70, 's'},  {72, 's'},  {68, 's'},  {76, 'f'},  {108, 'f'},
                           {112, 'f'}, {116, 'f'}, {124, 'f'}, {128, 'f'}, {123, 'b'}, {252, 's'}, {254, 's'},
                           {256, 'f'}, {268, 'f'}, {280, 'f'}, 148,        228,        328,        344};
constexpr Layout kVersion2{540,        {16, 'l'},  {12, 's'},  {14, 's'},  {504, 'i'}, {104, 'd'}, {168, 'l'},
                           {176, 'd'}, {184, 'd'}, {192, 'd'}, {200, 'd'}, {500, 'i'}, {344, 'i'}, {348, 'i'},
                           {352, 'd'}, {376, 'd'}, {400, 'd'}, 240,        320,        508,        4};

// Runs of numbers wider than a byte: offset, width, count. Everything else is text.
struct Run {
  size_t offset, width, count;
};
constexpr std::array kRuns1{Run{0, 4, 1},   Run{32, 4, 1},  Run{36, 2, 1},  Run{40, 2, 8},
                            Run{56, 4, 3},  Run{68, 2, 4},  Run{76, 4, 8},  Run{108, 4, 3},
                            Run{120, 2, 1}, Run{124, 4, 6}, Run{252, 2, 2}, Run{256, 4, 18}};
constexpr std::array kRuns2{Run{0, 4, 1},   Run{12, 2, 2},   Run{16, 8, 28},
                            Run{344, 4, 2}, Run{352, 8, 18}, Run{496, 4, 3}};

template <class T>
T load(const std::string& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
void store(std::string& bytes, size_t offset, double value) {
  const T cast = static_cast<T>(value);
  std::memcpy(bytes.data() + offset, &cast, sizeof(T));
}

size_t width_of(char type) {
  switch (type) {
    case 'b':
      return 1;
    case 's':
      return 2;
    case 'i':
    case 'f':
      return 4;
    default:
      return 8;
  }
}

uint32_t first_word(const std::string& bytes, bool swap) {
  const auto word = load<uint32_t>(bytes, 0);
  return swap ? __builtin_bswap32(word) : word;
}

// Rotation (row-major, determinant 1) of the quaternion with vector part b, c, d.
std::array<double, 9> rotation_of(double b, double c, double d) {
  double a = 1 - (b * b + c * c + d * d);
  if (a < 1e-7) {  // a turn by 180 degrees: only the direction of the vector part counts
    const double scale = 1 / std::sqrt(b * b + c * c + d * d);
    b *= scale, c *= scale, d *= scale, a = 0;
  } else {
    a = std::sqrt(a);
  }
  return {a * a + b * b - c * c - d * d, 2 * (b * c - a * d),           2 * (b * d + a * c),
          2 * (b * c + a * d),           a * a + c * c - b * b - d * d, 2 * (c * d - a * b),
          2 * (b * d - a * c),           2 * (c * d + a * b),           a * a + d * d - b * b - c * c};
}

// Vector part of the unit quaternion of a rotation with a scalar part >= 0, from its largest component.
std::array<double, 3> quaternion_of(const std::array<double, 9>& r) {
  const std::array<double, 4> squares{1 + r[0] + r[4] + r[8], 1 + r[0] - r[4] - r[8], 1 - r[0] + r[4] - r[8],
                                      1 - r[0] - r[4] + r[8]};
  const auto largest = static_cast<size_t>(std::max_element(squares.begin(), squares.end()) - squares.begin());
  const double root = std::sqrt(squares[largest]);
  std::array<double, 4> q{};
  q[largest] = root / 2;
  const double s = 0.5 / root;
  const double ab = r[7] - r[5], ac = r[2] - r[6], ad = r[3] - r[1];
  const double bc = r[1] + r[3], bd = r[2] + r[6], cd = r[5] + r[7];
  if (largest == 0) q[1] = ab * s, q[2] = ac * s, q[3] = ad * s;
  if (largest == 1) q[0] = ab * s, q[2] = bc * s, q[3] = bd * s;
  if (largest == 2) q[0] = ac * s, q[1] = bc * s, q[3] = cd * s;
  if (largest == 3) q[0] = ad * s, q[1] = bd * s, q[2] = cd * s;
  const double sign = q[0] < 0 ? -1 : 1;
  return {sign * q[1], sign * q[2], sign * q[3]};
}

// pixdim agrees with a column's length up to single precision; its short decimal is the better number then.
double rounder(double length, double pixdim) {
  return std::abs(length - pixdim) <= 1e-5 * std::abs(pixdim) ? pixdim : length;
}

}  // namespace

size_t NiftiHeader::size_from(const std::string& first_four) {
  if (first_four.size() < 4) return 0;
  for (const bool swap : {false, true}) {
    const auto size = first_word(first_four, swap);
    if (size == kVersion1.size || size == kVersion2.size) return size;
  }
  return 0;
}

NiftiHeader::NiftiHeader() : bytes_(kVersion1.size, '\0'), layout_(&kVersion1) {
  store<int32_t>(bytes_, 0, static_cast<double>(kVersion1.size));
  bytes_.replace(layout_->magic, 4, std::string("n+1\0", 4));
  set(layout_->pixdim, 0, 1);
  set(layout_->units, 0, 2);
}

NiftiHeader::NiftiHeader(std::string bytes, const std::filesystem::path& file) : bytes_(std::move(bytes)) {
  const size_t size = size_from(bytes_);
  if (size == 0 || bytes_.size() != size) {
    throw DataError(text(file.string(), ": not a NIfTI file (it does not start with a NIfTI header)"));
  }
  layout_ = size == kVersion1.size ? &kVersion1 : &kVersion2;
  const std::string magic = bytes_.substr(layout_->magic, 3);
  if (magic == "ni1" || magic == "ni2") {
    throw DataError(
        text(file.string(), ": a header whose voxels lie in a second file (.hdr/.img); convert it to one .nii.gz"));
  }
  if (magic != (size == kVersion1.size ? "n+1" : "n+2")) {
    throw DataError(text(file.string(),
                         ": not a NIfTI file (no NIfTI mark in its header; perhaps Analyze 7.5, which keeps no "
                         "orientation); convert it to .nii.gz"));
  }
  swapped_ = first_word(bytes_, false) != size;
  if (swapped_) swap_bytes();
}

void NiftiHeader::swap_bytes() {
  const auto swap = [this](const Run& run) {
    for (size_t i = 0; i < run.count; ++i) {
      const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(run.offset + i * run.width);
      std::reverse(begin, begin + static_cast<std::ptrdiff_t>(run.width));
    }
  };
  if (layout_ == &kVersion1) {
    std::for_each(kRuns1.begin(), kRuns1.end(), swap);
  } else {
    std::for_each(kRuns2.begin(), kRuns2.end(), swap);
  }
}

double NiftiHeader::get(Field field, size_t index) const {
  const size_t offset = field.offset + index * width_of(field.type);
  switch (field.type) {
    case 'b':
      return load<uint8_t>(bytes_, offset);
    case 's':
      return load<int16_t>(bytes_, offset);
    case 'i':
      return load<int32_t>(bytes_, offset);
    case 'l':
      return static_cast<double>(load<int64_t>(bytes_, offset));
    case 'f':
      return load<float>(bytes_, offset);
    default:
      return load<double>(bytes_, offset);
  }
}

void NiftiHeader::set(Field field, size_t index, double value) {
  const size_t offset = field.offset + index * width_of(field.type);
  switch (field.type) {
    case 'b':
      return store<uint8_t>(bytes_, offset, value);
    case 's':
      return store<int16_t>(bytes_, offset, value);
    case 'i':
      return store<int32_t>(bytes_, offset, value);
    case 'l':
      return store<int64_t>(bytes_, offset, value);
    case 'f':
      return store<float>(bytes_, offset, value);
    default:
      return store<double>(bytes_, offset, value);
  }
}

void NiftiHeader::clear_text(size_t offset, size_t length, const std::string& value) {
  std::string filled(length, '\0');
  filled.replace(0, std::min(length, value.size()), value, 0, length);
  bytes_.replace(offset, length, filled);
}

double NiftiHeader::unit() const {
  switch (static_cast<int>(get(layout_->units)) & 7) {
    case 1:
      return 1000;  // metres
    case 3:
      return 0.001;  // micrometres
    default:
      return 1;
  }
}

Geometry NiftiHeader::geometry(const std::filesystem::path& file) const {
  Geometry out;
  std::array<double, 3> pixdim{};
  for (size_t i = 0; i < 3; ++i) {
    pixdim[i] = std::abs(get(layout_->pixdim, i + 1));
    if (pixdim[i] == 0 && get(layout_->dim, i + 1) <= 1) pixdim[i] = 1;  // an axis that the file does not use
  }
  Affine affine{};
  std::string where = "pixdim";
  if (get(layout_->sform_code) > 0) {
    for (size_t i = 0; i < 12; ++i) affine[i] = get(layout_->srow, i);
    where = "sform";
  } else {
    const bool qform = get(layout_->qform_code) > 0;
    auto rotation = std::array<double, 9>{1, 0, 0, 0, 1, 0, 0, 0, 1};
    if (qform) {
      where = "qform";
      rotation = rotation_of(get(layout_->quaternion, 0), get(layout_->quaternion, 1), get(layout_->quaternion, 2));
    }
    const double handed = qform && get(layout_->pixdim, 0) < 0 ? -1 : 1;
    for (size_t row = 0; row < 3; ++row) {
      for (size_t column = 0; column < 3; ++column) {
        affine[4 * row + column] = rotation[3 * row + column] * pixdim[column] * (column == 2 ? handed : 1);
      }
      affine[4 * row + 3] = qform ? get(layout_->q_offset, row) : 0;
    }
  }
  const double mm = unit();
  for (size_t column = 0; column < 3; ++column) {
    const double length = std::hypot(affine[column], affine[4 + column], affine[8 + column]);
    out.spacing[2 - column] = rounder(length, pixdim[column]) * mm;
    for (size_t row = 0; row < 3; ++row) {
      out.direction[3 * row + column] = (row < 2 ? -1 : 1) * affine[4 * row + column] / length;  // RAS to LPS
    }
  }
  for (size_t row = 0; row < 3; ++row) out.origin[row] = (row < 2 ? -1 : 1) * affine[4 * row + 3] * mm;
  for (auto& value : out.direction) value += 0.0;  // no negative zeros
  for (auto& value : out.origin) value += 0.0;
  check_geometry(out, file, where);
  out.dimensions = get(layout_->dim) < 3 ? 2 : 3;
  out.format = "nifti";
  out.header = std::make_shared<const std::string>(bytes_);
  return out;
}

void NiftiHeader::set_geometry(const Geometry& geometry) {
  const double mm = unit();
  std::array<double, 9> ras = geometry.direction;
  for (size_t i = 0; i < 6; ++i) ras[i] = -ras[i];
  const double determinant = ras[0] * (ras[4] * ras[8] - ras[5] * ras[7]) -
                             ras[1] * (ras[3] * ras[8] - ras[5] * ras[6]) +
                             ras[2] * (ras[3] * ras[7] - ras[4] * ras[6]);
  for (size_t row = 0; row < 3; ++row) {
    const double origin = (row < 2 ? -1 : 1) * geometry.origin[row] / mm;
    for (size_t column = 0; column < 3; ++column) {
      set(layout_->srow, 4 * row + column, ras[3 * row + column] * geometry.spacing[2 - column] / mm);
    }
    set(layout_->srow, 4 * row + 3, origin);
    set(layout_->q_offset, row, origin);
    set(layout_->pixdim, row + 1, geometry.spacing[2 - row] / mm);
  }
  set(layout_->pixdim, 0, determinant < 0 ? -1 : 1);
  if (determinant < 0) {
    for (const size_t i : {2, 5, 8}) ras[i] = -ras[i];
  }
  const auto quaternion = quaternion_of(ras);
  for (size_t i = 0; i < 3; ++i) set(layout_->quaternion, i, quaternion[i]);
  for (const Field code : {layout_->qform_code, layout_->sform_code}) {
    if (get(code) <= 0) set(code, 0, 1);
  }
}

}  // namespace lamina::io
