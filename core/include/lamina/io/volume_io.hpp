// Reading and writing volumes through ITK: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF, DICOM series.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/case.hpp>

#include <filesystem>
#include <string>

namespace lamina {

/// Images as float32 [C, D, H, W]; colour images have their channels in C. A folder is read as a DICOM series, sorted by
/// position. DataError: missing, truncated, not an image, NaN or infinite voxels, non-orthonormal sform.
LAMINA_API Volume read_image(const std::filesystem::path& file);
/// Labels as int64 [1, D, H, W]; DataError for fractions.
LAMINA_API Volume read_labels(const std::filesystem::path& file);
/// Only geometry and size.
LAMINA_API Frame read_frame(const std::filesystem::path& file);
/// Labels [1, D, H, W] as the smallest integer type that holds them. NIfTI to NIfTI copies pixdim, qform, sform, codes
/// and units exactly. Written under a temporary name, then renamed; StorageError when the disk refuses.
LAMINA_API void write_labels(const std::filesystem::path& file, const Volume& labels);
/// float32.
LAMINA_API void write_image(const std::filesystem::path& file, const Volume& image);
/// 8-bit grey [H, W] or RGB [H, W, 3] as PNG bytes.
LAMINA_API std::string encode_png(const torch::Tensor& pixels);
/// ".nii.gz" for a.nii.gz.
LAMINA_API std::string image_extension(const std::filesystem::path& file);
LAMINA_API bool is_image_file(const std::filesystem::path& file);

}  // namespace lamina
