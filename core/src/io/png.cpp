// PNG into memory: thumbnails, overlays and 2D label maps.
#include "raw_volume.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <zlib.h>

#include <torch/utils.h>

namespace lamina {
namespace io {
namespace {

void put_word(std::string& out, uint32_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(word >> shift & 0xFF);
}

void put_chunk(std::string& out, const std::string& type, const std::string& content) {
  put_word(out, static_cast<uint32_t>(content.size()));
  const std::string body = type + content;
  out += body;
  put_word(out, static_cast<uint32_t>(
                    crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
}

std::string deflated(const std::string& rows) {
  uLongf size = compressBound(rows.size());
  std::string out(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(rows.data()), rows.size(),
                6) != Z_OK) {
    throw StorageError("a PNG picture could not be compressed: not enough memory");
  }
  out.resize(size);
  return out;
}

}  // namespace

std::string png_bytes(const std::byte* pixels, int64_t height, int64_t width, int64_t channels, int bits) {
  const auto stride = static_cast<size_t>(width * channels * bits / 8);
  std::string rows;
  rows.reserve((stride + 1) * static_cast<size_t>(height));
  std::string previous(stride, '\0');
  for (int64_t y = 0; y < height; ++y) {
    std::string row(reinterpret_cast<const char*>(pixels) + static_cast<size_t>(y) * stride, stride);
    if (bits == 16) {
      for (size_t i = 0; i + 1 < stride; i += 2) std::swap(row[i], row[i + 1]);  // PNG is big-endian
    }
    rows += '\x02';  // each byte minus the one above it
    for (size_t i = 0; i < stride; ++i) rows += static_cast<char>(row[i] - previous[i]);
    previous = std::move(row);
  }
  std::string header;
  put_word(header, static_cast<uint32_t>(width));
  put_word(header, static_cast<uint32_t>(height));
  header += static_cast<char>(bits);
  header += static_cast<char>(channels == 3 ? 2 : 0);
  header += std::string(3, '\0');
  std::string out("\x89PNG\r\n\x1a\n", 8);
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", deflated(rows));
  put_chunk(out, "IEND", "");
  return out;
}

}  // namespace io

std::string encode_png(const torch::Tensor& pixels) {
  const bool colour = pixels.dim() == 3 && pixels.size(2) == 3;
  if ((pixels.dim() != 2 && !colour) || pixels.scalar_type() != torch::kUInt8 || pixels.numel() == 0) {
    throw Error(text("a PNG picture is made from 8-bit pixels [H, W] or [H, W, 3]; got ", pixels.dtype().name(),
                     " of shape [", join(pixels.sizes()), "]"));
  }
  const torch::Tensor ready = pixels.contiguous().cpu();
  return io::png_bytes(reinterpret_cast<const std::byte*>(ready.data_ptr<uint8_t>()), ready.size(0), ready.size(1),
                       colour ? 3 : 1, 8);
}

}  // namespace lamina
