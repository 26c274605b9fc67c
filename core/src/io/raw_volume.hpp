// What a file holds before it becomes a tensor, and the readers and writers of each family of formats.
#pragma once

#include <lamina/data/case.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace lamina::io {

enum class Scalar { UInt8, Int8, UInt16, Int16, UInt32, Int32, UInt64, Int64, Float32, Float64 };
size_t bytes_of(Scalar scalar);

enum class Want { Frame, Voxels };

/// Voxels as they lie in the file: [D, H, W, C], or [C, D, H, W] when planar; in the machine's byte order.
struct RawVolume {
  Geometry geometry;
  Size3 size{0, 0, 0};
  int64_t channels = 1;
  bool planar = false;
  Scalar scalar = Scalar::UInt8;
  double slope = 1, intercept = 0;     ///< value = stored * slope + intercept
  std::unique_ptr<std::byte[]> bytes;  ///< null when only the frame was asked for

  int64_t voxels() const { return size[0] * size[1] * size[2]; }
  /// Checked product; DataError naming the file when the size cannot be held in memory.
  size_t byte_count(const std::filesystem::path& file) const;
};

/// float32 [C, D, H, W]; DataError counting NaN and infinite voxels. Takes the bytes over where they are that already.
torch::Tensor to_image(RawVolume raw, const std::filesystem::path& file);
/// int64 [1, D, H, W]; DataError for fractions and for several channels.
torch::Tensor to_labels(const RawVolume& raw, const std::filesystem::path& file);
/// Contiguous bytes of `voxels` ([1, D, H, W] or [C, D, H, W]) as `scalar`, planar.
std::string to_bytes(const torch::Tensor& voxels, Scalar scalar);
/// The smallest of uint8, uint16, int32 that holds all labels.
Scalar smallest_scalar(const torch::Tensor& labels, const std::filesystem::path& file);

/// DataError in words unless spacings are positive and finite and the axes at right angles.
void check_geometry(const Geometry& geometry, const std::filesystem::path& file, const std::string& where);

RawVolume read_nifti(const std::filesystem::path& file, Want want);
void write_nifti(const std::filesystem::path& file, const Volume& volume, Scalar scalar);
/// One file through ITK: NRRD, MetaImage, PNG, JPEG, TIFF, a single DICOM file, read as `extension` says. Palettes stay
/// indices for labels.
RawVolume read_with_itk(const std::filesystem::path& file, Want want, const std::string& extension,
                        bool labels = false);
void write_with_itk(const std::filesystem::path& file, const Volume& volume, Scalar scalar);
/// A folder that holds one DICOM series.
RawVolume read_dicom_folder(const std::filesystem::path& folder, Want want);
/// PNG bytes; `pixels` are rows of `channels` interleaved samples of 8 bits, or 16 bits in the machine's order.
std::string png_bytes(const std::byte* pixels, int64_t height, int64_t width, int64_t channels, int bits);

}  // namespace lamina::io
