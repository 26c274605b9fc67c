// TensorFlow's record files: length, checksum, bytes, checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lamina::engine {

/// CRC-32C (Castagnoli), as RFC 3720 gives its test values.
uint32_t crc32c(std::string_view bytes);
/// One record of such a file, https://www.tensorflow.org/tutorials/load_data/tfrecord
std::string tf_record(std::string_view bytes);

}  // namespace lamina::engine
