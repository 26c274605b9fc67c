// Single files through ITK's image classes, used directly: no factories, no pixel templates.
#include "raw_volume.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <itkGDCMImageIO.h>
#include <itkJPEGImageIO.h>
#include <itkMetaImageIO.h>
#include <itkNrrdImageIO.h>
#include <itkPNGImageIO.h>
#include <itkTIFFImageIO.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <torch/utils.h>

namespace lamina::io {
namespace {

itk::ImageIOBase::Pointer make_io(const std::string& extension, bool labels) {
  if (extension == ".nrrd" || extension == ".nhdr") return itk::NrrdImageIO::New().GetPointer();
  if (extension == ".mha" || extension == ".mhd") return itk::MetaImageIO::New().GetPointer();
  if (extension == ".jpg" || extension == ".jpeg") return itk::JPEGImageIO::New().GetPointer();
  if (extension == ".dcm") return itk::GDCMImageIO::New().GetPointer();
  if (extension == ".png") {
    auto png = itk::PNGImageIO::New();
    if (labels) png->ExpandRGBPaletteOff();
    return png.GetPointer();
  }
  auto tiff = itk::TIFFImageIO::New();
  if (labels) tiff->ExpandRGBPaletteOff();
  return tiff.GetPointer();
}

std::string format_of(const std::string& extension) {
  if (extension == ".nrrd" || extension == ".nhdr") return "nrrd";
  if (extension == ".mha" || extension == ".mhd") return "meta";
  if (extension == ".jpg" || extension == ".jpeg") return "jpeg";
  if (extension == ".dcm") return "dicom";
  return extension == ".png" ? "png" : "tiff";
}

using Component = itk::CommonEnums::IOComponent;

Scalar scalar_of(Component component, const std::filesystem::path& file) {
  switch (component) {
    case Component::UCHAR:
      return Scalar::UInt8;
    case Component::CHAR:
      return Scalar::Int8;
    case Component::USHORT:
      return Scalar::UInt16;
    case Component::SHORT:
      return Scalar::Int16;
    case Component::UINT:
      return Scalar::UInt32;
    case Component::INT:
      return Scalar::Int32;
    case Component::ULONG:
    case Component::ULONGLONG:
      return Scalar::UInt64;
    case Component::LONG:
    case Component::LONGLONG:
      return Scalar::Int64;
    case Component::FLOAT:
      return Scalar::Float32;
    case Component::DOUBLE:
      return Scalar::Float64;
    default:
      throw DataError(text(file.string(), ": its voxels have a type that lamina does not read"));
  }
}

Component component_of(Scalar scalar) {
  switch (scalar) {
    case Scalar::UInt8:
      return Component::UCHAR;
    case Scalar::UInt16:
      return Component::USHORT;
    case Scalar::Int32:
      return Component::INT;
    default:
      return Component::FLOAT;
  }
}

// Three axes from ITK's two or three; a fourth of one slice is dropped.
void read_grid(const itk::ImageIOBase& io, const std::filesystem::path& file, RawVolume& raw) {
  const unsigned axes = io.GetNumberOfDimensions();
  for (unsigned axis = 3; axis < axes; ++axis) {
    if (io.GetDimensions(axis) > 1) {
      throw DataError(text(file.string(), ": has ", axes, " axes, the last of ", io.GetDimensions(axes - 1),
                           "; lamina reads volumes: split the further axes into cases or channels"));
    }
  }
  raw.size = {1, 1, 1};
  raw.geometry.dimensions = axes == 2 ? 2 : 3;
  for (unsigned axis = 0; axis < std::min(axes, 3U); ++axis) {
    raw.size[2 - axis] = static_cast<int64_t>(io.GetDimensions(axis));
    raw.geometry.spacing[2 - axis] = io.GetSpacing(axis);
    raw.geometry.origin[axis] = io.GetOrigin(axis);
    const auto column = io.GetDirection(axis);
    for (unsigned row = 0; row < std::min(axes, 3U); ++row) raw.geometry.direction[3 * row + axis] = column[row];
  }
  raw.channels = static_cast<int64_t>(io.GetNumberOfComponents());
}

void set_grid(itk::ImageIOBase& io, const Volume& volume, bool flat) {
  const auto size = volume.size();
  const auto& geometry = volume.geometry;
  const unsigned axes = flat ? 2 : 3;
  io.SetNumberOfDimensions(axes);
  for (unsigned axis = 0; axis < axes; ++axis) {
    io.SetDimensions(axis, static_cast<itk::SizeValueType>(size[2 - axis]));
    io.SetSpacing(axis, geometry.spacing[2 - axis]);
    io.SetOrigin(axis, geometry.origin[axis]);
    std::vector<double> column(axes);
    for (unsigned row = 0; row < axes; ++row) column[row] = geometry.direction[3 * row + axis];
    io.SetDirection(axis, column);
  }
}

// MetaIO only prints that voxels are missing and goes on with what it has.
void require_whole_meta(const std::filesystem::path& file, size_t count) {
  std::ifstream in(file, std::ios::binary);
  std::string line, data_file;
  size_t expected = count;
  while (data_file.empty() && std::getline(in, line)) {
    std::istringstream words(line);
    std::string key, equals, value;
    words >> key >> equals >> value;
    if (key == "CompressedDataSize") expected = static_cast<size_t>(std::strtoull(value.c_str(), nullptr, 10));
    if (key == "ElementDataFile") data_file = value;
  }
  if (data_file == "LIST" || data_file.find('%') != std::string::npos) return;  // one file a slice: ITK opens each
  const bool local = data_file == "LOCAL";
  const auto start = local ? static_cast<size_t>(in.tellg()) : 0;
  const auto voxels = local ? file : file.parent_path() / data_file;
  std::error_code missing;
  const auto size = std::filesystem::file_size(voxels, missing);
  if (!missing && size >= start + expected) return;
  throw DataError(text(file.string(), ": truncated: ", missing ? 0 : size - std::min<size_t>(size, start), " of ",
                       expected, " bytes of voxels are in ", voxels.filename().string()));
}

// [C, D, H, W] to the interleaved order of ITK.
torch::Tensor interleaved(const torch::Tensor& voxels) { return voxels.permute({1, 2, 3, 0}).contiguous(); }

}  // namespace

RawVolume read_with_itk(const std::filesystem::path& file, Want want, const std::string& extension, bool labels) {
  RawVolume raw;
  try {
    const auto io = make_io(extension, labels);
    if (!io->CanReadFile(file.c_str()))
      throw DataError(
          text(file.string(), ": not an image, or damaged (its content is not ", format_of(extension), ")"));
    io->SetFileName(file.string());
    io->ReadImageInformation();
    read_grid(*io, file, raw);
    raw.scalar = scalar_of(io->GetComponentType(), file);
    raw.geometry.format = format_of(extension);
    check_geometry(raw.geometry, file, "header");
    if (want == Want::Voxels) {
      const size_t count = raw.byte_count(file);
      if (static_cast<itk::SizeValueType>(io->GetImageSizeInBytes()) != count) {
        throw DataError(
            text(file.string(), ": holds ", io->GetImageSizeInBytes(), " bytes of voxels; its size says ", count));
      }
      if (raw.geometry.format == "meta") require_whole_meta(file, count);
      itk::ImageIORegion region(io->GetNumberOfDimensions());
      for (unsigned axis = 0; axis < io->GetNumberOfDimensions(); ++axis) region.SetSize(axis, io->GetDimensions(axis));
      io->SetIORegion(region);
      raw.bytes = std::make_unique<std::byte[]>(count);
      io->Read(raw.bytes.get());
    }
  } catch (const itk::ExceptionObject& problem) {
    throw DataError(text(file.string(), ": cannot be read: ", problem.GetDescription()));
  } catch (const std::bad_alloc&) {
    throw DataError(text(file.string(), ": its size ", join(raw.size, " x "), " cannot be held in memory"));
  }
  return raw;
}

void write_with_itk(const std::filesystem::path& file, const Volume& volume, Scalar scalar) {
  const bool tiff = file.extension() == ".tif" || file.extension() == ".tiff";
  const bool flat = volume.geometry.dimensions == 2 && volume.voxels.size(1) == 1;
  if (tiff && scalar == Scalar::Int32)
    throw DataError(text(file.string(), ": a TIFF holds labels up to 65535; name it .nii.gz or .nrrd"));
  const std::string bytes = to_bytes(interleaved(volume.voxels), scalar);
  write_file(file, [&](const std::filesystem::path& temporary) {
    try {
      const auto io = make_io(image_extension(file), true);
      set_grid(*io, volume, flat);
      const int64_t channels = volume.voxels.size(0);
      io->SetNumberOfComponents(static_cast<unsigned>(channels));
      io->SetPixelType(channels == 1 ? itk::CommonEnums::IOPixel::SCALAR
                       : tiff        ? itk::CommonEnums::IOPixel::RGB
                                     : itk::CommonEnums::IOPixel::VECTOR);
      io->SetComponentType(component_of(scalar));
      io->SetUseCompression(true);
      io->SetFileName(temporary.string());
      itk::ImageIORegion region(flat ? 2 : 3);
      for (unsigned axis = 0; axis < region.GetImageDimension(); ++axis) region.SetSize(axis, io->GetDimensions(axis));
      io->SetIORegion(region);
      io->Write(bytes.data());
    } catch (const itk::ExceptionObject& problem) {
      throw StorageError(text(file.string(), ": cannot be written: ", problem.GetDescription()));
    }
  });
}

}  // namespace lamina::io
