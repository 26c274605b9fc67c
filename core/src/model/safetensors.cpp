// The weights format: 8 bytes of header length, a JSON header, raw little-endian tensors. Headers come from strangers,
// so every number is checked before it is used.
#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <torch/types.h>
#include <nlohmann/json.hpp>

namespace lamina {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian numbers");

using Json = nlohmann::json;
using std::filesystem::path;

constexpr uint64_t kLargestHeader = 100'000'000;
constexpr uint64_t kPrefix = 8;

struct Dtype {
  const char* name;
  torch::ScalarType type;
  uint64_t bytes;
};
constexpr Dtype kDtypes[] = {{"F64", torch::kFloat64, 8},   {"F32", torch::kFloat32, 4}, {"F16", torch::kFloat16, 2},
                             {"BF16", torch::kBFloat16, 2}, {"I64", torch::kInt64, 8},   {"I32", torch::kInt32, 4},
                             {"I16", torch::kInt16, 2},     {"I8", torch::kInt8, 1},     {"U8", torch::kUInt8, 1},
                             {"BOOL", torch::kBool, 1}};

[[noreturn]] void refuse(const path& file, const std::string& fact) {
  throw DataError(text(file.string(), ": ", fact));
}

const Dtype& dtype_named(const path& file, const std::string& tensor, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& dtype : kDtypes) {
    if (name == dtype.name) return dtype;
    known.emplace_back(dtype.name);
  }
  refuse(file, text("tensor '", tensor, "' has the type '", name, "'; lamina reads ", join(known)));
}

struct Span {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

struct Header {
  std::vector<Span> spans;  // by offset
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;
};

uint64_t unsigned_number(const path& file, const std::string& tensor, const Json& value) {
  if (!value.is_number_unsigned())
    refuse(file, text("tensor '", tensor, "' has a size or offset that is no whole number >= 0: ", value.dump()));
  return value.get<uint64_t>();
}

// Bytes that the shape needs; refuses what does not fit 63 bits.
uint64_t bytes_of(const path& file, const Span& span) {
  int64_t bytes = static_cast<int64_t>(span.dtype.bytes);
  for (const int64_t size : span.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes))
      refuse(file, text("tensor '", span.name, "' has the impossible shape [", join(span.shape), "]"));
  }
  return static_cast<uint64_t>(bytes);
}

Span read_span(const path& file, const std::string& name, const Json& entry) {
  const bool complete = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() &&
                        entry.contains("shape") && entry["shape"].is_array() && entry.contains("data_offsets") &&
                        entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2;
  if (!complete) refuse(file, text("tensor '", name, "' needs dtype, shape and two data_offsets"));
  Span span{name, dtype_named(file, name, entry["dtype"].get<std::string>()), {}, 0, 0};
  for (const auto& size : entry["shape"]) {
    const uint64_t value = unsigned_number(file, name, size);
    if (value > static_cast<uint64_t>(INT64_MAX))
      refuse(file, text("tensor '", name, "' has the impossible size ", value));
    span.shape.push_back(static_cast<int64_t>(value));
  }
  span.begin = unsigned_number(file, name, entry["data_offsets"][0]);
  span.end = unsigned_number(file, name, entry["data_offsets"][1]);
  if (span.end < span.begin) refuse(file, text("tensor '", name, "' ends before it begins"));
  const uint64_t needed = bytes_of(file, span);
  if (span.end - span.begin != needed) {
    refuse(file, text("tensor '", name, "' has ", span.end - span.begin, " bytes; its shape [", join(span.shape),
                      "] of ", span.dtype.name, " needs ", needed));
  }
  return span;
}

// Tensors must lie side by side and fill the file: no overlap, no hole, nothing cut off.
void check_layout(const path& file, const std::vector<Span>& spans, uint64_t data_bytes) {
  uint64_t at = 0;
  for (const auto& span : spans) {
    if (span.begin < at) refuse(file, text("tensor '", span.name, "' overlaps the one before it"));
    if (span.begin > at)
      refuse(file,
             text("there are ", span.begin - at, " bytes before tensor '", span.name, "' that belong to no tensor"));
    at = span.end;
  }
  if (at > data_bytes) refuse(file, text("is truncated: its tensors need ", at, " bytes, ", data_bytes, " are there"));
  if (at < data_bytes) refuse(file, text("has ", data_bytes - at, " bytes after its last tensor"));
}

std::map<std::string, std::string> read_metadata(const path& file, const Json& node) {
  std::map<std::string, std::string> metadata;
  if (!node.is_object()) refuse(file, "its __metadata__ is no object of texts");
  for (const auto& [key, value] : node.items()) {
    if (!value.is_string()) refuse(file, text("its metadata '", key, "' is no text"));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

Json parse_header(const path& file, const std::string& content) {
  Json json = Json::parse(content, nullptr, false);
  if (json.is_discarded() || !json.is_object())
    refuse(file, "its header is no JSON object; this is no safetensors file, or a damaged one");
  return json;
}

Header read_header(std::ifstream& in, const path& file) {
  std::error_code failed;
  const uint64_t size = std::filesystem::file_size(file, failed);
  if (failed || !in) refuse(file, "cannot be read: " + (failed ? failed.message() : "permission denied?"));
  uint64_t length = 0;
  if (size < kPrefix || !in.read(reinterpret_cast<char*>(&length), kPrefix))
    refuse(file, text("is truncated: ", size, " bytes are too few for a safetensors file"));
  if (length > kLargestHeader)
    refuse(file, text("claims a header of ", length, " bytes; at most ", kLargestHeader,
                      " are allowed. This is no safetensors file"));
  if (length > size - kPrefix)
    refuse(file, text("is truncated: its header needs ", length, " bytes, ", size - kPrefix, " are there"));
  std::string content(length, '\0');
  if (!in.read(content.data(), static_cast<std::streamsize>(length))) refuse(file, "its header cannot be read");
  Header header;
  header.data_begin = kPrefix + length;
  const Json json = parse_header(file, content);  // items() only refers to it
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") {
      header.metadata = read_metadata(file, entry);
    } else {
      header.spans.push_back(read_span(file, name, entry));
    }
  }
  std::stable_sort(header.spans.begin(), header.spans.end(),
                   [](const Span& a, const Span& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  check_layout(file, header.spans, size - header.data_begin);
  return header;
}

torch::Tensor read_tensor(std::ifstream& in, const path& file, uint64_t data_begin, const Span& span) {
  // Bytes other than 0 and 1 must not become bool.
  const bool truth = span.dtype.type == torch::kBool;
  torch::Tensor tensor = torch::empty(span.shape, truth ? torch::kUInt8 : span.dtype.type);
  const auto bytes = static_cast<std::streamsize>(span.end - span.begin);
  in.seekg(static_cast<std::streamoff>(data_begin + span.begin));
  if (bytes > 0 && !in.read(static_cast<char*>(tensor.data_ptr()), bytes)) {
    refuse(file, text("tensor '", span.name, "' cannot be read"));
  }
  return truth ? tensor.ne(0) : tensor;
}

const Dtype& dtype_of(const std::string& name, torch::ScalarType type) {
  for (const auto& dtype : kDtypes) {
    if (dtype.type == type) return dtype;
  }
  throw Error(text("tensor '", name, "' has the type ", c10::toString(type),
                   ", which safetensors files of lamina do not hold"));
}

// Widest numbers first keeps every tensor aligned.
std::vector<std::pair<std::string, torch::Tensor>> in_file_order(const TensorDict& tensors) {
  std::vector<std::pair<std::string, torch::Tensor>> ordered;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw Error(text("tensor '", name, "' is undefined and cannot be saved"));
    ordered.emplace_back(name, tensor.detach());
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  return ordered;
}

std::string make_header(const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  uint64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    const Dtype& dtype = dtype_of(name, tensor.scalar_type());
    const uint64_t end = at + dtype.bytes * static_cast<uint64_t>(tensor.numel());
    json[name] = {{"dtype", dtype.name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string header = json.dump();
  header.append((8 - header.size() % 8) % 8, ' ');
  return header;
}

}  // namespace

SafetensorsFile read_safetensors(const path& file) {
  std::ifstream in(file, std::ios::binary);
  Header header = read_header(in, file);
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (const auto& span : header.spans) result.tensors[span.name] = read_tensor(in, file, header.data_begin, span);
  return result;
}

std::vector<TensorEntry> list_safetensors(const path& file, std::map<std::string, std::string>* metadata) {
  std::ifstream in(file, std::ios::binary);
  const Header header = read_header(in, file);
  if (metadata) *metadata = header.metadata;
  std::vector<TensorEntry> entries;
  for (const auto& span : header.spans) entries.push_back({span.name, span.dtype.name, span.shape});
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

void write_safetensors(const path& file, const TensorDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto ordered = in_file_order(tensors);
  const std::string header = make_header(ordered, metadata);
  write_file(file, [&](const path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    const uint64_t length = header.size();
    out.write(reinterpret_cast<const char*>(&length), kPrefix);
    out.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const auto& [name, tensor] : ordered) {
      const torch::Tensor plain = tensor.cpu().contiguous();
      out.write(static_cast<const char*>(plain.data_ptr()), static_cast<std::streamsize>(plain.nbytes()));
    }
    out.flush();
    if (!out) throw StorageError(text(file.string(), ": cannot be written: ", std::strerror(errno)));
  });
}

}  // namespace lamina
