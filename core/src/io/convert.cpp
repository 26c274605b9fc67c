// From the many types of voxels in files to the two that lamina computes with, and back.
#include "raw_volume.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cmath>
#include <limits>

#include <ATen/Dispatch.h>
#include <ATen/ops/from_blob.h>
#include <torch/utils.h>

namespace lamina::io {
namespace {

// Calls action(T*) with the type that `scalar` names.
template <class Action>
auto with_type(Scalar scalar, Action action) {
  switch (scalar) {
    case Scalar::UInt8:
      return action(static_cast<uint8_t*>(nullptr));
    case Scalar::Int8:
      return action(static_cast<int8_t*>(nullptr));
    case Scalar::UInt16:
      return action(static_cast<uint16_t*>(nullptr));
    case Scalar::Int16:
      return action(static_cast<int16_t*>(nullptr));
    case Scalar::UInt32:
      return action(static_cast<uint32_t*>(nullptr));
    case Scalar::Int32:
      return action(static_cast<int32_t*>(nullptr));
    case Scalar::UInt64:
      return action(static_cast<uint64_t*>(nullptr));
    case Scalar::Int64:
      return action(static_cast<int64_t*>(nullptr));
    case Scalar::Float32:
      return action(static_cast<float*>(nullptr));
    default:
      return action(static_cast<double*>(nullptr));
  }
}

// Copies voxels to `out` ([C, D, H, W]) through convert(stored value).
template <class To, class Convert>
void copy_voxels(const RawVolume& raw, To* out, Convert convert) {
  with_type(raw.scalar, [&](auto* type) {
    using From = std::remove_pointer_t<decltype(type)>;
    const auto* in = reinterpret_cast<const From*>(raw.bytes.get());
    const int64_t voxels = raw.voxels(), channels = raw.channels;
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t start = raw.planar ? c * voxels : c, step = raw.planar ? 1 : channels;
      To* row = out + c * voxels;
      for (int64_t i = 0; i < voxels; ++i) row[i] = convert(in[start + i * step]);
    }
  });
}

torch::Tensor empty_like_file(const RawVolume& raw, torch::ScalarType type) {
  return torch::empty({raw.channels, raw.size[0], raw.size[1], raw.size[2]}, type);
}

/// The file's own bytes as float32 [C, D, H, W]: a large volume is held once.
torch::Tensor owning(RawVolume& raw) {
  std::byte* bytes = raw.bytes.release();
  return at::from_blob(
      bytes, {raw.channels, raw.size[0], raw.size[1], raw.size[2]}, [bytes](void*) { delete[] bytes; },
      torch::kFloat32);
}

bool is_as_stored(const RawVolume& raw) { return raw.slope == 1 && raw.intercept == 0; }

torch::Tensor converted(const RawVolume& raw) {
  torch::Tensor out = empty_like_file(raw, torch::kFloat32);
  auto* values = out.data_ptr<float>();
  if (is_as_stored(raw)) {
    copy_voxels(raw, values, [](auto stored) { return static_cast<float>(stored); });
  } else {
    copy_voxels(raw, values, [&](auto stored) {
      return static_cast<float>(static_cast<double>(stored) * raw.slope + raw.intercept);
    });
  }
  return out;
}

[[noreturn]] void refuse_labels(const std::filesystem::path& file, int64_t count, double example, const char* what) {
  throw DataError(text(file.string(), ": ", count, count == 1 ? " voxel is " : " voxels are ", what,
                       " (the first: ", example, "); expected a label map of whole numbers, 0 = background"));
}

}  // namespace

size_t bytes_of(Scalar scalar) {
  return with_type(scalar, [](auto* type) { return sizeof(*type); });
}

size_t RawVolume::byte_count(const std::filesystem::path& file) const {
  size_t count = bytes_of(scalar);
  for (const int64_t factor : {channels, size[0], size[1], size[2]}) {
    if (factor <= 0 || __builtin_mul_overflow(count, static_cast<size_t>(factor), &count)) {
      throw DataError(text(file.string(), ": its size ", join(size, " x "), " with ", channels,
                           " channels cannot be held in memory"));
    }
  }
  return count;
}

torch::Tensor to_image(RawVolume raw, const std::filesystem::path& file) {
  const bool ready = is_as_stored(raw) && raw.scalar == Scalar::Float32 && (raw.planar || raw.channels == 1);
  const torch::Tensor out = ready ? owning(raw) : converted(raw);
  const float* values = out.const_data_ptr<float>();
  int64_t bad = 0;
  for (int64_t i = 0; i < out.numel(); ++i) bad += std::isfinite(values[i]) ? 0 : 1;
  if (bad > 0) {
    throw DataError(text(file.string(), ": ", bad, " of ", out.numel(), " voxels ", bad == 1 ? "is" : "are",
                         " NaN or infinite; expected finite intensities"));
  }
  return out;
}

torch::Tensor to_labels(const RawVolume& raw, const std::filesystem::path& file) {
  if (raw.channels != 1) {
    throw DataError(text(file.string(), ": has ", raw.channels, " channels; expected a label map with one"));
  }
  torch::Tensor out = empty_like_file(raw, torch::kInt64);
  int64_t fractions = 0, negatives = 0;
  double fraction = 0, negative = 0;
  copy_voxels(raw, out.data_ptr<int64_t>(), [&](auto stored) {
    const double value = static_cast<double>(stored) * raw.slope + raw.intercept;
    const double whole = std::nearbyint(value);
    if (!(std::abs(value - whole) <= 1e-4) || std::abs(value) > 9e15) {  // also NaN
      if (fractions++ == 0) fraction = value;
      return int64_t{0};
    }
    if (whole < 0 && negatives++ == 0) negative = whole;
    return static_cast<int64_t>(whole);
  });
  if (fractions > 0) refuse_labels(file, fractions, fraction, "no whole number");
  if (negatives > 0) refuse_labels(file, negatives, negative, "negative");
  return out;
}

std::string to_bytes(const torch::Tensor& voxels, Scalar scalar) {
  const auto count = static_cast<size_t>(voxels.numel());
  return with_type(scalar, [&](auto* type) {
    using To = std::remove_pointer_t<decltype(type)>;
    std::string out(count * sizeof(To), '\0');
    auto* to = reinterpret_cast<To*>(out.data());
    const torch::Tensor from = voxels.contiguous();
    AT_DISPATCH_ALL_TYPES_AND3(at::kBool, at::kHalf, at::kBFloat16, from.scalar_type(), "voxels to bytes", [&] {
      const auto* values = from.data_ptr<scalar_t>();
      std::transform(values, values + count, to, [](scalar_t value) { return static_cast<To>(value); });
    });
    return out;
  });
}

Scalar smallest_scalar(const torch::Tensor& labels, const std::filesystem::path& file) {
  const int64_t low = labels.numel() == 0 ? 0 : labels.min().item<int64_t>();
  const int64_t high = labels.numel() == 0 ? 0 : labels.max().item<int64_t>();
  if (low < 0 || high > std::numeric_limits<int32_t>::max()) {
    throw DataError(text(file.string(), ": labels from ", low, " to ", high, " cannot be written; expected 0 to ",
                         std::numeric_limits<int32_t>::max()));
  }
  if (high <= std::numeric_limits<uint8_t>::max()) return Scalar::UInt8;
  return high <= std::numeric_limits<uint16_t>::max() ? Scalar::UInt16 : Scalar::Int32;
}

void check_geometry(const Geometry& geometry, const std::filesystem::path& file, const std::string& where) {
  const auto& d = geometry.direction;
  double worst = 0;
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = 0; b < 3; ++b) {
      const double product = d[a] * d[b] + d[3 + a] * d[3 + b] + d[6 + a] * d[6 + b];
      const double error = std::abs(product - (a == b ? 1 : 0));
      worst = std::isfinite(error) ? std::max(worst, error) : std::numeric_limits<double>::infinity();
    }
  }
  for (const double spacing : geometry.spacing) {
    if (!(spacing > 0) || !std::isfinite(spacing)) {
      throw DataError(text(file.string(), ": its ", where, " gives the spacing ", join(geometry.spacing, " x "),
                           " mm (z, y, x); expected positive numbers"));
    }
  }
  for (const double position : geometry.origin) {
    if (!std::isfinite(position))
      throw DataError(text(file.string(), ": its ", where, " gives an origin that is no number"));
  }
  if (worst > 1e-3) {
    const double angle = std::asin(std::min(worst, 1.0)) * 57.29577951308232;
    throw DataError(text(file.string(), ": its ", where, " is not orthonormal (the axes are up to ",
                         std::round(angle * 100) / 100,
                         " degrees off a right angle); resample the volume to a grid with right angles"));
  }
}

}  // namespace lamina::io
