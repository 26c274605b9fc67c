// NIfTI files, read and written by zlib: ITK's writer would replace qform, sform, their codes and units.
#include "nifti_header.hpp"
#include "raw_volume.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace lamina::io {
namespace {

constexpr unsigned kChunk = 1U << 20;

// gzopen reads plain files as well.
class ZipFile {
 public:
  ZipFile(const std::filesystem::path& file, const char* mode) : path_(file), handle_(gzopen(file.c_str(), mode)) {
    if (handle_ == nullptr) throw DataError(text(file.string(), ": cannot be opened: ", std::strerror(errno)));
    gzbuffer(handle_, kChunk);
  }
  ZipFile(const ZipFile&) = delete;
  ~ZipFile() {
    if (handle_ != nullptr) gzclose(handle_);
  }

  size_t read(char* into, size_t count) {
    size_t done = 0;
    while (done < count) {
      const int got = gzread(handle_, into + done, static_cast<unsigned>(std::min<size_t>(count - done, kChunk)));
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  void write(const std::string& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const auto count = static_cast<unsigned>(std::min<size_t>(bytes.size() - done, kChunk));
      if (gzwrite(handle_, bytes.data() + done, count) != static_cast<int>(count)) fail();
      done += count;
    }
  }

  void close() {
    const int status = gzclose(std::exchange(handle_, nullptr));
    if (status != Z_OK) throw StorageError(text(path_.string(), ": cannot be written: ", std::strerror(errno)));
  }

  /// zlib's words for what went wrong, "" when nothing did but the end of the file.
  std::string problem() const {
    int code = Z_OK;
    const char* words = gzerror(handle_, &code);
    return code == Z_OK || code == Z_STREAM_END ? "" : words;
  }

 private:
  [[noreturn]] void fail() const {
    throw StorageError(text(path_.string(), ": cannot be written: ", std::strerror(errno)));
  }

  std::filesystem::path path_;
  gzFile handle_;
};

struct Coded {
  int code;
  Scalar scalar;
  int64_t channels;
};
constexpr std::array kTypes{
    Coded{2, Scalar::UInt8, 1},    Coded{4, Scalar::Int16, 1},     Coded{8, Scalar::Int32, 1},
    Coded{16, Scalar::Float32, 1}, Coded{64, Scalar::Float64, 1},  Coded{128, Scalar::UInt8, 3},
    Coded{256, Scalar::Int8, 1},   Coded{512, Scalar::UInt16, 1},  Coded{768, Scalar::UInt32, 1},
    Coded{1024, Scalar::Int64, 1}, Coded{1280, Scalar::UInt64, 1}, Coded{2304, Scalar::UInt8, 4}};

NiftiHeader read_header(ZipFile& zip, const std::filesystem::path& file) {
  std::string bytes(4, '\0');
  const auto short_file = [&](size_t got) {
    const std::string problem = zip.problem();
    return DataError(text(file.string(), ": truncated or not a NIfTI file (", got, " bytes of its header could be read",
                          problem.empty() ? "" : "; ", problem, ")"));
  };
  if (const size_t got = zip.read(bytes.data(), 4); got < 4) throw short_file(got);
  const size_t size = NiftiHeader::size_from(bytes);
  if (size == 0) throw DataError(text(file.string(), ": not a NIfTI file (it does not start with a NIfTI header)"));
  bytes.resize(size);
  if (const size_t got = zip.read(bytes.data() + 4, size - 4); got < size - 4) throw short_file(got + 4);
  return {std::move(bytes), file};
}

// Size and channels: three axes, or an intent vector in the fifth.
void read_shape(const NiftiHeader& header, const std::filesystem::path& file, RawVolume& raw) {
  const auto& at = header.at();
  const auto axes = static_cast<int64_t>(header.get(at.dim));
  std::array<int64_t, 8> dim{};
  dim.fill(1);
  if (axes < 1 || axes > 7) throw DataError(text(file.string(), ": its header names ", axes, " axes; expected 2 or 3"));
  for (size_t i = 1; i <= static_cast<size_t>(axes); ++i) {
    dim[i] = static_cast<int64_t>(header.get(at.dim, i));
    if (dim[i] < 1 || dim[i] > 1'000'000) {
      throw DataError(text(file.string(), ": axis ", i, " has ", dim[i], " voxels in its header; expected at least 1"));
    }
  }
  if (dim[4] > 1 || dim[6] > 1 || dim[7] > 1) {
    throw DataError(
        text(file.string(), ": has ", axes, " axes (", dim[1], " x ", dim[2], " x ", dim[3], " x ", dim[4],
             "); lamina reads volumes: split the fourth axis, time points into cases and channels into files"));
  }
  raw.size = {dim[3], dim[2], dim[1]};
  if (dim[5] > 1) raw.channels = dim[5], raw.planar = true;
}

void read_type(const NiftiHeader& header, const std::filesystem::path& file, RawVolume& raw) {
  const auto& at = header.at();
  const int code = static_cast<int>(header.get(at.datatype));
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const Coded& one) { return one.code == code; });
  if (type == kTypes.end()) {
    throw DataError(
        text(file.string(), ": its voxels have NIfTI type ", code,
             "; expected integers up to 64 bits, float32, float64 or RGB (complex and float128 are not read)"));
  }
  raw.scalar = type->scalar;
  if (type->channels > 1) raw.channels *= type->channels, raw.planar = false;
  const double slope = header.get(at.slope), intercept = header.get(at.intercept);
  if (slope != 0 && std::isfinite(slope) && std::isfinite(intercept) && type->channels == 1) {
    raw.slope = slope, raw.intercept = intercept;
  }
}

void swap_voxels(std::byte* bytes, size_t count, size_t width) {
  if (width == 1) return;
  for (size_t i = 0; i + width <= count; i += width) std::reverse(bytes + i, bytes + i + width);
}

void read_voxels(ZipFile& zip, const NiftiHeader& header, const std::filesystem::path& file, RawVolume& raw) {
  const size_t count = raw.byte_count(file);
  const auto length = std::filesystem::file_size(file);
  const double offset = std::max(header.get(header.at().vox_offset), static_cast<double>(header.at().size));
  // deflate shrinks at most by 1032: a larger promise cannot be kept, and is not worth the memory.
  if (!(offset + static_cast<double>(count) <= 1100.0 * static_cast<double>(length))) {
    throw DataError(text(file.string(), ": truncated: its header promises ", human_bytes(static_cast<int64_t>(count)),
                         " of voxels, but the file has ", human_bytes(static_cast<int64_t>(length))));
  }
  std::string skipped(static_cast<size_t>(offset) - header.at().size, '\0');
  const size_t before = zip.read(skipped.data(), skipped.size());
  raw.bytes = std::make_unique_for_overwrite<std::byte[]>(count);
  const size_t got = before < skipped.size() ? 0 : zip.read(reinterpret_cast<char*>(raw.bytes.get()), count);
  if (got < count) {
    const std::string problem = zip.problem();
    throw DataError(text(file.string(), ": truncated: ", got, " of ", count, " bytes of voxels could be read",
                         problem.empty() ? "" : "; ", problem));
  }
  if (header.swapped()) swap_voxels(raw.bytes.get(), count, bytes_of(raw.scalar));
}

bool same_grid(const Geometry& a, const Geometry& b) {
  return a.spacing == b.spacing && a.origin == b.origin && a.direction == b.direction;
}

// The file's own header where the geometry still is the file's, else one made from the geometry.
NiftiHeader header_for(const Volume& volume, const std::filesystem::path& file) {
  const Geometry& geometry = volume.geometry;
  if (geometry.format == "nifti" && geometry.header) {
    NiftiHeader header(*geometry.header, file);
    if (!same_grid(header.geometry(file), geometry)) header.set_geometry(geometry);
    return header;
  }
  NiftiHeader header;
  header.set_geometry(geometry);
  return header;
}

void describe_voxels(NiftiHeader& header, const Volume& volume, Scalar scalar) {
  const auto& at = header.at();
  const auto size = volume.size();
  const int64_t channels = volume.voxels.size(0);
  const bool flat = volume.geometry.dimensions == 2 && size[0] == 1 && channels == 1;
  for (size_t i = 1; i < 8; ++i) header.set(at.dim, i, i <= 3 ? static_cast<double>(size[3 - i]) : 1);
  if (channels > 1) header.set(at.dim, 5, static_cast<double>(channels));
  header.set(at.dim, 0, channels > 1 ? 5 : flat ? 2 : 3);
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const Coded& one) { return one.scalar == scalar; });
  header.set(at.datatype, 0, type->code);
  header.set(at.bitpix, 0, static_cast<double>(8 * bytes_of(scalar)));
  header.set(at.intent_code, 0, channels > 1 ? 1007 : 0);
  header.set(at.vox_offset, 0, static_cast<double>(at.size + 4));
  header.set(at.slope, 0, 1);
  for (const auto field : {at.intercept, at.cal_max, at.cal_min}) header.set(field, 0, 0);
  header.clear_text(at.description, 80, "lamina");
  header.clear_text(at.auxiliary, 24);
  header.clear_text(at.intent_name, 16);
}

}  // namespace

RawVolume read_nifti(const std::filesystem::path& file, Want want) {
  ZipFile zip(file, "rb");
  const NiftiHeader header = read_header(zip, file);
  RawVolume raw;
  read_shape(header, file, raw);
  read_type(header, file, raw);
  raw.geometry = header.geometry(file);
  if (want == Want::Voxels) read_voxels(zip, header, file, raw);
  return raw;
}

void write_nifti(const std::filesystem::path& file, const Volume& volume, Scalar scalar) {
  NiftiHeader header = header_for(volume, file);
  describe_voxels(header, volume, scalar);
  const bool zipped = file.extension() == ".gz";
  write_file(file, [&](const std::filesystem::path& temporary) {
    ZipFile zip(temporary, zipped ? "wb4" : "wbT");
    zip.write(header.bytes());
    zip.write(std::string(4, '\0'));  // no extensions
    zip.write(to_bytes(volume.voxels, scalar));
    zip.close();
  });
}

}  // namespace lamina::io
