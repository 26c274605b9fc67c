// Reading and writing volumes through ITK: NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF, DICOM series.
#pragma once

#include <lamina/data/case.hpp>

#include <filesystem>

namespace lamina::engine {

/// Images as float32 [C, D, H, W]; colour images have their channels in C. A folder is read as a DICOM series, sorted by
/// position. DataError: missing, truncated, not an image, NaN or infinite voxels, non-orthonormal sform.
Volume read_image(const std::filesystem::path& file);
/// Labels as int64 [1, D, H, W]; DataError for fractions.
Volume read_labels(const std::filesystem::path& file);
/// Only geometry and size.
Frame read_frame(const std::filesystem::path& file);
/// Labels [1, D, H, W] as the smallest integer type that holds them. NIfTI to NIfTI copies pixdim, qform, sform, codes
/// and units exactly. Written under a temporary name, then renamed; StorageError when the disk refuses.
void write_labels(const std::filesystem::path& file, const Volume& labels);
/// float32.
void write_image(const std::filesystem::path& file, const Volume& image);
/// 8-bit grey [H, W] or RGB [H, W, 3] as PNG bytes.
std::string encode_png(const torch::Tensor& pixels);
/// ".nii.gz" for a.nii.gz.
std::string image_extension(const std::filesystem::path& file);
bool is_image_file(const std::filesystem::path& file);

}  // namespace lamina::engine
