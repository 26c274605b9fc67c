// Chooses the reader or writer by the file's name; checks that hold for all formats.
#include "raw_volume.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

using io::RawVolume;
using io::Want;

constexpr const char* kReadable =
    ".nii.gz, .nii, .nrrd, .nhdr, .mha, .mhd, .png, .jpg, .tif, .dcm or a folder with one DICOM series";

bool is_nifti(const std::string& extension) { return extension == ".nii.gz" || extension == ".nii"; }

RawVolume read_any(const std::filesystem::path& file, Want want, bool labels) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) throw DataError(text(file.string(), ": there is no such file"));
  if (std::filesystem::is_directory(file, ignored)) return io::read_dicom_folder(file, want);
  const std::string extension = image_extension(file);
  if (is_nifti(extension)) return io::read_nifti(file, want);
  if (extension.empty()) throw DataError(text(file.string(), ": not an image that lamina reads; expected ", kReadable));
  return io::read_with_itk(file, want, extension, labels);
}

std::string checked_extension(const std::filesystem::path& file) {
  const std::string extension = image_extension(file);
  for (const char* writable : {".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".tif", ".tiff"}) {
    if (extension == writable) return extension;
  }
  throw DataError(text(file.string(), ": lamina does not write ", extension.empty() ? "such files" : extension,
                       "; name it .nii.gz, .nii, .nrrd, .mha, .png or .tif"));
}

void write_label_png(const std::filesystem::path& file, const Volume& labels, io::Scalar scalar) {
  const auto size = labels.size();
  if (size[0] != 1 || scalar == io::Scalar::Int32) {
    throw DataError(text(file.string(), ": a PNG holds one slice of labels up to 65535; got ", size[0],
                         " slices; name it .nii.gz or .nrrd"));
  }
  const std::string bytes = io::to_bytes(labels.voxels, scalar);
  write_file(file, io::png_bytes(reinterpret_cast<const std::byte*>(bytes.data()), size[1], size[2], 1,
                                 static_cast<int>(8 * io::bytes_of(scalar))));
}

}  // namespace

Volume read_image(const std::filesystem::path& file) {
  RawVolume raw = read_any(file, Want::Voxels, false);
  const Geometry geometry = raw.geometry;
  return {io::to_image(std::move(raw), file), geometry};
}

Volume read_labels(const std::filesystem::path& file) {
  const RawVolume raw = read_any(file, Want::Voxels, true);
  return {io::to_labels(raw, file), raw.geometry};
}

Frame read_frame(const std::filesystem::path& file) {
  const RawVolume raw = read_any(file, Want::Frame, false);
  return {raw.size, raw.geometry};
}

void write_labels(const std::filesystem::path& file, const Volume& labels) {
  if (!labels.defined() || labels.voxels.dim() != 4 || labels.voxels.size(0) != 1 ||
      labels.voxels.is_floating_point()) {
    throw Error(text(file.string(), ": labels to write are whole numbers [1, D, H, W]"));
  }
  const std::string extension = checked_extension(file);
  const io::Scalar scalar = io::smallest_scalar(labels.voxels, file);
  if (extension == ".png") return write_label_png(file, labels, scalar);
  if (is_nifti(extension)) return io::write_nifti(file, labels, scalar);
  io::write_with_itk(file, labels, scalar);
}

void write_image(const std::filesystem::path& file, const Volume& image) {
  if (!image.defined() || image.voxels.dim() != 4)
    throw Error(text(file.string(), ": images to write are [C, D, H, W]"));
  const std::string extension = checked_extension(file);
  if (extension == ".png")
    throw DataError(text(file.string(), ": a PNG cannot hold float32 voxels; name it .nii.gz, .nrrd, .mha or .tif"));
  if (is_nifti(extension)) return io::write_nifti(file, image, io::Scalar::Float32);
  io::write_with_itk(file, image, io::Scalar::Float32);
}

}  // namespace lamina
