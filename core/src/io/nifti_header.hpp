// The header of a NIfTI file, version 1 (348 bytes) or 2 (540 bytes), addressed by field so that it can be kept whole.
#pragma once

#include "raw_volume.hpp"

#include <lamina/data/geometry.hpp>

#include <filesystem>
#include <string>

namespace lamina::io {

class NiftiHeader {
 public:
  struct Field {
    size_t offset;
    char type;  // b: uint8, s: int16, i: int32, l: int64, f: float, d: double
  };
  struct Layout {
    size_t size;
    Field dim, datatype, bitpix, intent_code, pixdim, vox_offset, slope, intercept, cal_max, cal_min, units, qform_code,
        sform_code, quaternion, q_offset, srow;
    size_t description, auxiliary, intent_name, magic;
  };

  /// Bytes in either byte order; kept in the machine's. DataError when it is no NIfTI header.
  NiftiHeader(std::string bytes, const std::filesystem::path& file);
  /// An empty version 1 header.
  NiftiHeader();
  /// How many bytes the header has, from its first four; 0: not NIfTI.
  static size_t size_from(const std::string& first_four);

  const Layout& at() const { return *layout_; }
  double get(Field field, size_t index = 0) const;
  void set(Field field, size_t index, double value);
  void clear_text(size_t offset, size_t length, const std::string& value = "");
  const std::string& bytes() const { return bytes_; }
  bool swapped() const { return swapped_; }  ///< the file has the other byte order

  /// mm, LPS; from the sform where its code is set, else the qform, else pixdim alone.
  Geometry geometry(const std::filesystem::path& file) const;
  /// Overwrites pixdim, qform and sform; a code that was set stays.
  void set_geometry(const Geometry& geometry);

 private:
  void swap_bytes();
  double unit() const;  ///< mm per unit of length

  std::string bytes_;
  const Layout* layout_;
  bool swapped_ = false;
};

}  // namespace lamina::io
