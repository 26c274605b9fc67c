// The weights format: 8 bytes of header length, a JSON header, raw little-endian tensors.
#include "model/safetensors_header.hpp"
#include "model/safetensors_reading.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <torch/types.h>

namespace lamina {
namespace {

using std::filesystem::path;

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

SafetensorsHeader read_header(std::ifstream& in, const path& file) {
  std::error_code failed;
  const uint64_t size = std::filesystem::file_size(file, failed);
  if (failed || !in) refuse(file, "cannot be read: " + (failed ? failed.message() : "permission denied?"));
  std::string prefix(kSafetensorsPrefix, '\0');
  in.read(prefix.data(), kSafetensorsPrefix);
  prefix.resize(static_cast<size_t>(in.gcount()));
  std::string content(safetensors_header_length(prefix, size, file), '\0');
  if (!in.read(content.data(), static_cast<std::streamsize>(content.size()))) refuse(file, "its header cannot be read");
  return parse_safetensors_header(content, size, file);
}

torch::Tensor read_tensor(std::ifstream& in, const path& file, uint64_t data_begin, const StoredTensor& span) {
  // Bytes other than 0 and 1 must not become bool.
  const torch::ScalarType type = scalar_type_of(span.type);
  const bool truth = type == torch::kBool;
  torch::Tensor tensor = torch::empty(span.shape, truth ? torch::kUInt8 : type);
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

std::string start_of(const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                     const std::map<std::string, std::string>& metadata) {
  std::vector<StoredTensor> stored;
  for (const auto& [name, tensor] : tensors) {
    const Dtype& dtype = dtype_of(name, tensor.scalar_type());
    stored.push_back({name, {dtype.name, dtype.bytes}, tensor.sizes().vec(), 0, 0});
  }
  return safetensors_start(stored, metadata);
}

}  // namespace

torch::ScalarType scalar_type_of(const StoredType& stored) {
  return std::find_if(std::begin(kDtypes), std::end(kDtypes),
                      [&](const Dtype& dtype) { return std::string_view(dtype.name) == stored.name; })
      ->type;
}

SafetensorsFile read_safetensors(const path& file, const std::function<void(uint64_t)>& progress) {
  std::ifstream in(file, std::ios::binary);
  SafetensorsHeader header = read_header(in, file);
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (const auto& span : header.tensors) {
    result.tensors[span.name] = read_tensor(in, file, header.data_begin, span);
    if (progress) progress(header.data_begin + span.end);
  }
  return result;
}

SafetensorsFile read_safetensors(const path& file) { return read_safetensors(file, {}); }

std::vector<TensorEntry> list_safetensors(const path& file, std::map<std::string, std::string>* metadata) {
  std::ifstream in(file, std::ios::binary);
  const SafetensorsHeader header = read_header(in, file);
  if (metadata) *metadata = header.metadata;
  std::vector<TensorEntry> entries;
  for (const auto& span : header.tensors) entries.push_back({span.name, span.type.name, span.shape});
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

void write_safetensors(const path& file, const TensorDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto ordered = in_file_order(tensors);
  const std::string start = start_of(ordered, metadata);
  write_file(file, [&](const path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    out.write(start.data(), static_cast<std::streamsize>(start.size()));
    for (const auto& [name, tensor] : ordered) {
      const torch::Tensor plain = tensor.cpu().contiguous();
      out.write(static_cast<const char*>(plain.data_ptr()), static_cast<std::streamsize>(plain.nbytes()));
    }
    out.flush();
    if (!out) throw StorageError(text(file.string(), ": cannot be written: ", std::strerror(errno)));
  });
}

}  // namespace lamina
