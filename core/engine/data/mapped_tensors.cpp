// Maps cached cases into memory; the kernel keeps what fits, so small datasets stay there by themselves.
#include "engine/data/mapped_tensors.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace lamina::engine {
namespace {

constexpr size_t kLengthBytes = 8;

/// A whole file, private to this process.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& file) {
    const int handle = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle < 0) throw DataError(text("cannot read ", file.string(), ": ", std::strerror(errno)));
    struct stat info {};
    const bool known = fstat(handle, &info) == 0;
    size_ = known ? static_cast<size_t>(info.st_size) : 0;
    if (size_ > 0) data_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, handle, 0);
    close(handle);
    if (data_ == MAP_FAILED) throw DataError(text("cannot map ", file.string(), ": ", std::strerror(errno)));
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data_) munmap(data_, size_);
  }
  char* data() const { return static_cast<char*>(data_); }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

torch::ScalarType type_of(const std::string& dtype) {
  if (dtype == "F32") return torch::kFloat32;
  if (dtype == "F16") return torch::kFloat16;
  if (dtype == "I64") return torch::kInt64;
  if (dtype == "I32") return torch::kInt32;
  if (dtype == "I16") return torch::kInt16;
  throw DataError("unexpected dtype '" + dtype + "'");
}

torch::Tensor tensor_at(const std::shared_ptr<Mapping>& mapping, size_t base, const nlohmann::json& entry) {
  const auto type = type_of(entry.at("dtype").get<std::string>());
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  const auto offsets = entry.at("data_offsets").get<std::vector<size_t>>();
  size_t bytes = c10::elementSize(type);
  for (const int64_t extent : shape) bytes *= static_cast<size_t>(extent);
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] - offsets[0] != bytes ||
      base + offsets[1] > mapping->size()) {
    throw DataError("a tensor lies beyond the end of the file");
  }
  char* const start = mapping->data() + base + offsets[0];
  const bool aligned = reinterpret_cast<uintptr_t>(start) % c10::elementSize(type) == 0;
  if (!aligned) {
    torch::Tensor copy = torch::empty(shape, type);
    std::memcpy(copy.data_ptr(), start, bytes);
    return copy;
  }
  return torch::from_blob(
      start, shape, [mapping](void*) {}, torch::TensorOptions(type));
}

nlohmann::json header_of(const Mapping& mapping) {
  uint64_t length = 0;
  if (mapping.size() < kLengthBytes) throw DataError("the file is too short");
  std::memcpy(&length, mapping.data(), kLengthBytes);
  if (length > mapping.size() - kLengthBytes) throw DataError("the header reaches beyond the end of the file");
  return nlohmann::json::parse(std::string_view(mapping.data() + kLengthBytes, length));
}

SafetensorsFile parse(const std::shared_ptr<Mapping>& mapping) {
  const auto header = header_of(*mapping);
  uint64_t length = 0;
  std::memcpy(&length, mapping->data(), kLengthBytes);
  SafetensorsFile content;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      content.metadata = entry.get<std::map<std::string, std::string>>();
    } else {
      content.tensors[name] = tensor_at(mapping, kLengthBytes + length, entry);
    }
  }
  return content;
}

}  // namespace

SafetensorsFile map_safetensors(const std::filesystem::path& file) {
  const auto mapping = std::make_shared<Mapping>(file);
  try {
    return parse(mapping);
  } catch (const DataError& problem) {
    throw DataError(text(file.string(), " is damaged: ", problem.what()));
  } catch (const nlohmann::json::exception& problem) {
    throw DataError(
        text(file.string(), " is damaged: its header is no JSON of a safetensors file (", problem.what(), ")"));
  }
}

}  // namespace lamina::engine
