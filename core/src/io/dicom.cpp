// A folder with one DICOM series becomes a volume: slices sorted by their position along the normal.
#include "raw_volume.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <itkGDCMImageIO.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

namespace lamina::io {
namespace {

namespace fs = std::filesystem;

struct Slice {
  fs::path file;
  std::string series, description;
  RawVolume raw;
  double position = 0;  // along the normal, mm
};

std::string tag(itk::GDCMImageIO& io, const std::string& key) {
  std::string value;
  io.GetValueFromTag(key, value);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\0')) value.pop_back();
  return value;
}

// Which series a file belongs to; none when it is no DICOM image.
std::optional<Slice> identify(const fs::path& file) {
  const auto io = itk::GDCMImageIO::New();
  if (!io->CanReadFile(file.c_str())) return std::nullopt;
  try {
    io->SetFileName(file.string());
    io->ReadImageInformation();
  } catch (const itk::ExceptionObject&) {
    return std::nullopt;  // a DICOM file without pixels: DICOMDIR, report, presentation state
  }
  Slice slice;
  slice.file = file;
  slice.series = tag(*io, "0020|000e");
  slice.description = tag(*io, "0008|103e");
  return slice;
}

std::vector<Slice> slices_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Slice> slices;
  for (const auto& file : files) {
    if (auto slice = identify(file)) slices.push_back(std::move(*slice));
  }
  if (slices.empty()) {
    throw DataError(text(folder.string(), ": a folder without DICOM images (", files.size(),
                         " files looked at); expected one series"));
  }
  return slices;
}

void require_one_series(const fs::path& folder, const std::vector<Slice>& slices) {
  std::map<std::string, std::pair<size_t, std::string>> series;
  for (const auto& slice : slices) {
    const std::string words = slice.description.empty() ? "no description" : slice.description;
    auto& known =
        series.try_emplace(slice.series, 0, text(words, ", first file ", slice.file.filename().string())).first->second;
    ++known.first;
  }
  if (series.size() == 1) return;
  std::vector<std::string> lines;
  for (const auto& [uid, known] : series)
    lines.push_back(text("\n  ", uid, ": ", known.first, " files, ", known.second));
  throw DataError(text(folder.string(), ": holds ", series.size(),
                       " DICOM series; put each into a folder of its own:", join(lines, "")));
}

std::array<double, 3> normal_of(const Geometry& g) {
  const auto& d = g.direction;
  return {d[3] * d[7] - d[6] * d[4], d[6] * d[1] - d[0] * d[7], d[0] * d[4] - d[3] * d[1]};
}

double along(const std::array<double, 3>& normal, const std::array<double, 3>& position) {
  return normal[0] * position[0] + normal[1] * position[1] + normal[2] * position[2];
}

void require_equal(const Slice& first, const Slice& other) {
  const auto& a = first.raw.geometry;
  const auto& b = other.raw.geometry;
  double turned = 0;
  for (size_t i = 0; i < 9; ++i) {
    if (i % 3 != 2) turned = std::max(turned, std::abs(a.direction[i] - b.direction[i]));
  }
  std::string what;
  if (first.raw.size != other.raw.size || first.raw.channels != other.raw.channels) what = "size";
  if (std::abs(a.spacing[1] - b.spacing[1]) > 1e-4 || std::abs(a.spacing[2] - b.spacing[2]) > 1e-4)
    what = "pixel spacing";
  if (turned > 1e-3) what = "orientation";
  if (!what.empty()) {
    throw DataError(text(other.file.string(), ": another ", what, " than ", first.file.filename().string(),
                         " of the same series; expected one stack of parallel slices (a localizer among them?)"));
  }
}

double median_gap(const std::vector<Slice>& slices) {
  std::vector<double> gaps;
  for (size_t i = 1; i < slices.size(); ++i) gaps.push_back(slices[i].position - slices[i - 1].position);
  std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2), gaps.end());
  return gaps[gaps.size() / 2];
}

// Distance between slices; DataError for doubled, missing and slanted ones.
double slice_spacing(const fs::path& folder, const std::vector<Slice>& slices) {
  const double gap = median_gap(slices);
  for (size_t i = 1; i < slices.size(); ++i) {
    const double here = slices[i].position - slices[i - 1].position;
    const std::string pair = slices[i - 1].file.filename().string() + " and " + slices[i].file.filename().string();
    if (here < 1e-3) {
      throw DataError(
          text(folder.string(), ": ", pair, " lie at the same position; expected one volume, not several time points"));
    }
    if (std::abs(here - gap) > 0.02 * gap + 1e-3) {
      const double missing = here / gap - 1;
      throw DataError(text(folder.string(), ": uneven slices: ", here, " mm between ", pair, ", elsewhere ", gap, " mm",
                           missing > 0.5 ? text(" (", std::lround(missing), " missing?)") : ""));
    }
  }
  return (slices.back().position - slices.front().position) / static_cast<double>(slices.size() - 1);
}

void require_upright(const fs::path& folder, const Slice& first, const Slice& last,
                     const std::array<double, 3>& normal) {
  const double height = last.position - first.position;
  double shift = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double off = last.raw.geometry.origin[i] - first.raw.geometry.origin[i] - normal[i] * height;
    shift = std::max(shift, std::abs(off));
  }
  if (shift > 0.5 * std::min(first.raw.geometry.spacing[1], first.raw.geometry.spacing[2])) {
    throw DataError(text(folder.string(), ": the slices are shifted sideways by ", shift,
                         " mm from first to last (gantry tilt); resample the series to a grid with right angles"));
  }
}

// Rescaling is linear per file, and GDCM picks the narrowest type per file: all slices meet in float32.
std::unique_ptr<std::byte[]> stack(const std::vector<Slice>& slices, int64_t channels) {
  const auto slice_values = static_cast<size_t>(slices[0].raw.voxels() * channels);
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(slice_values * slices.size() * sizeof(float));
  for (size_t i = 0; i < slices.size(); ++i) {
    const torch::Tensor voxels = to_image(read_with_itk(slices[i].file, Want::Voxels, ".dcm"), slices[i].file);
    const torch::Tensor image = voxels.permute({1, 2, 3, 0}).contiguous();
    std::memcpy(bytes.get() + i * slice_values * sizeof(float), image.data_ptr<float>(), slice_values * sizeof(float));
  }
  return bytes;
}

}  // namespace

RawVolume read_dicom_folder(const fs::path& folder, Want want) {
  std::vector<Slice> slices = slices_of(folder);
  require_one_series(folder, slices);
  for (auto& slice : slices) slice.raw = read_with_itk(slice.file, Want::Frame, ".dcm");
  if (slices.size() == 1) return read_with_itk(slices[0].file, want, ".dcm");
  const auto normal = normal_of(slices[0].raw.geometry);
  for (auto& slice : slices) {
    require_equal(slices[0], slice);
    slice.position = along(normal, slice.raw.geometry.origin);
  }
  std::sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) { return a.position < b.position; });
  RawVolume out;
  out.geometry = slices[0].raw.geometry;
  out.geometry.dimensions = 3;
  out.geometry.spacing[0] = slice_spacing(folder, slices);
  for (size_t row = 0; row < 3; ++row) out.geometry.direction[3 * row + 2] = normal[row];
  require_upright(folder, slices.front(), slices.back(), normal);
  check_geometry(out.geometry, folder, "series");
  out.size = {static_cast<int64_t>(slices.size()), slices[0].raw.size[1], slices[0].raw.size[2]};
  out.channels = slices[0].raw.channels;
  out.scalar = Scalar::Float32;
  if (want == Want::Voxels) out.bytes = stack(slices, out.channels);
  return out;
}

}  // namespace lamina::io
