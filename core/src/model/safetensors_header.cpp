// Parses and checks the header of a safetensors file.
#include "model/safetensors_header.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

namespace lamina {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian numbers");

using Json = nlohmann::json;
using std::filesystem::path;

constexpr uint64_t kLargestHeader = 100'000'000;
constexpr int kDeepestValue = 2;  // file, tensor, shape

constexpr StoredType kStoredTypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                       {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};

[[noreturn]] void refuse_header(const path& file, const std::string& fact) {
  throw DataError(text(file.string(), ": ", fact));
}

const StoredType& dtype_named(const path& file, const std::string& tensor, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& type : kStoredTypes) {
    if (name == type.name) return type;
    known.emplace_back(type.name);
  }
  refuse_header(file, text("tensor '", tensor, "' has the type '", name, "'; lamina reads ", join(known)));
}

uint64_t unsigned_number(const path& file, const std::string& tensor, const Json& value) {
  if (!value.is_number_unsigned())
    refuse_header(file, text("tensor '", tensor, "' has a size or offset that is no whole number >= 0",
                             value.is_primitive() ? ": " + value.dump() : ""));
  return value.get<uint64_t>();
}

// Bytes that the shape needs. Refuses what does not fit 63 bits, also where a size of 0 leaves nothing of it: strides
// are products of the other sizes.
uint64_t bytes_of(const path& file, const StoredTensor& span) {
  int64_t bytes = static_cast<int64_t>(span.type.bytes);
  for (const int64_t size : span.shape) {
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes))
      refuse_header(file, text("tensor '", span.name, "' has the impossible shape [", join(span.shape), "]"));
  }
  const bool empty = std::find(span.shape.begin(), span.shape.end(), 0) != span.shape.end();
  return empty ? 0 : static_cast<uint64_t>(bytes);
}

StoredTensor read_span(const path& file, const std::string& name, const Json& entry) {
  const bool complete = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() &&
                        entry.contains("shape") && entry["shape"].is_array() && entry.contains("data_offsets") &&
                        entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2;
  if (!complete) refuse_header(file, text("tensor '", name, "' needs dtype, shape and two data_offsets"));
  StoredTensor span{name, dtype_named(file, name, entry["dtype"].get<std::string>()), {}, 0, 0};
  for (const auto& size : entry["shape"]) {
    const uint64_t value = unsigned_number(file, name, size);
    if (value > static_cast<uint64_t>(INT64_MAX))
      refuse_header(file, text("tensor '", name, "' has the impossible size ", value));
    span.shape.push_back(static_cast<int64_t>(value));
  }
  span.begin = unsigned_number(file, name, entry["data_offsets"][0]);
  span.end = unsigned_number(file, name, entry["data_offsets"][1]);
  if (span.end < span.begin) refuse_header(file, text("tensor '", name, "' ends before it begins"));
  const uint64_t needed = bytes_of(file, span);
  if (span.end - span.begin != needed) {
    refuse_header(file, text("tensor '", name, "' has ", span.end - span.begin, " bytes; its shape [", join(span.shape),
                             "] of ", span.type.name, " needs ", needed));
  }
  return span;
}

// Tensors must lie side by side and fill the file: no overlap, no hole, nothing cut off.
void check_layout(const path& file, const std::vector<StoredTensor>& spans, uint64_t data_bytes) {
  uint64_t at = 0;
  for (const auto& span : spans) {
    if (span.begin < at) refuse_header(file, text("tensor '", span.name, "' overlaps the one before it"));
    if (span.begin > at)
      refuse_header(
          file, text("there are ", span.begin - at, " bytes before tensor '", span.name, "' that belong to no tensor"));
    at = span.end;
  }
  if (at > data_bytes)
    refuse_header(file, text("is truncated: its tensors need ", at, " bytes, ", data_bytes, " are there"));
  if (at < data_bytes) refuse_header(file, text("has ", data_bytes - at, " bytes after its last tensor"));
}

std::map<std::string, std::string> read_metadata(const path& file, const Json& node) {
  std::map<std::string, std::string> metadata;
  if (!node.is_object()) refuse_header(file, "its __metadata__ is no object of texts");
  for (const auto& [key, value] : node.items()) {
    if (!value.is_string()) refuse_header(file, text("its metadata '", key, "' is no text"));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

/// Deeper values than a header has are refused where they begin: they could fill memory many times the file's size.
Json parse_json(const path& file, const std::string& content) {
  const auto shallow = [&](int depth, Json::parse_event_t event, const Json&) {
    const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth > kDeepestValue) refuse_header(file, "its header is nested deeper than a safetensors header");
    return true;
  };
  Json json = Json::parse(content, shallow, false);
  if (json.is_discarded() || !json.is_object())
    refuse_header(file, "its header is no JSON object; this is no safetensors file, or a damaged one");
  return json;
}

uint64_t bytes_to_write(const StoredTensor& tensor) {
  uint64_t bytes = tensor.type.bytes;
  for (const int64_t size : tensor.shape) bytes *= static_cast<uint64_t>(size);
  return bytes;
}

}  // namespace

std::string safetensors_start(const std::vector<StoredTensor>& tensors,
                              const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  uint64_t at = 0;
  for (const auto& tensor : tensors) {
    const uint64_t end = at + bytes_to_write(tensor);
    json[tensor.name] = {{"dtype", tensor.type.name}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string header = json.dump();
  header.append((8 - header.size() % 8) % 8, ' ');
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), kSafetensorsPrefix) + header;
}

uint64_t safetensors_header_length(std::string_view prefix, uint64_t file_bytes, const path& file) {
  if (prefix.size() < kSafetensorsPrefix)
    refuse_header(file, text("is truncated: ", file_bytes, " bytes are too few for a safetensors file"));
  uint64_t length = 0;
  std::memcpy(&length, prefix.data(), kSafetensorsPrefix);
  if (length > kLargestHeader)
    refuse_header(file, text("claims a header of ", length, " bytes; at most ", kLargestHeader,
                             " are allowed. This is no safetensors file"));
  if (length > file_bytes - kSafetensorsPrefix)
    refuse_header(file, text("is truncated: its header needs ", length, " bytes, ", file_bytes - kSafetensorsPrefix,
                             " are there"));
  return length;
}

SafetensorsHeader parse_safetensors_header(const std::string& content, uint64_t file_bytes, const path& file) {
  SafetensorsHeader header;
  header.data_begin = kSafetensorsPrefix + content.size();
  const Json json = parse_json(file, content);  // items() only refers to it
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") {
      header.metadata = read_metadata(file, entry);
    } else {
      header.tensors.push_back(read_span(file, name, entry));
    }
  }
  const auto order = [](const StoredTensor& one) { return std::pair(one.begin, one.end); };
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [&](const StoredTensor& a, const StoredTensor& b) { return order(a) < order(b); });
  check_layout(file, header.tensors, file_bytes - header.data_begin);
  return header;
}

}  // namespace lamina
