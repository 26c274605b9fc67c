// Maps cached cases into memory; the kernel keeps what fits, so small datasets stay there by themselves.
#include "engine/data/mapped_tensors.hpp"

#include "model/safetensors_header.hpp"
#include "model/safetensors_reading.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <torch/utils.h>

namespace lamina::engine {
namespace {

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

constexpr std::array kMapped{torch::kFloat32, torch::kFloat16, torch::kBFloat16,
                             torch::kInt64,   torch::kInt32,   torch::kInt16};

torch::Tensor tensor_at(const std::shared_ptr<Mapping>& mapping, uint64_t data_begin, const StoredTensor& stored) {
  const torch::ScalarType type = scalar_type_of(stored.type);
  if (std::find(kMapped.begin(), kMapped.end(), type) == kMapped.end())
    throw DataError(text("tensor '", stored.name, "' has the unexpected type ", stored.type.name));
  char* const start = mapping->data() + data_begin + stored.begin;
  const bool aligned = reinterpret_cast<uintptr_t>(start) % stored.type.bytes == 0;
  if (!aligned) {
    torch::Tensor copy = torch::empty(stored.shape, type);
    std::memcpy(copy.data_ptr(), start, stored.end - stored.begin);
    return copy;
  }
  return torch::from_blob(
      start, stored.shape, [mapping](void*) {}, torch::TensorOptions(type));
}

}  // namespace

SafetensorsFile map_safetensors(const std::filesystem::path& file) {
  const auto mapping = std::make_shared<Mapping>(file);
  const std::string_view bytes(mapping->data(), mapping->size());
  try {
    const uint64_t length = safetensors_header_length(bytes.substr(0, kSafetensorsPrefix), bytes.size(), file);
    const std::string content(bytes.substr(kSafetensorsPrefix, length));
    SafetensorsHeader header = parse_safetensors_header(content, bytes.size(), file);
    SafetensorsFile result;
    result.metadata = std::move(header.metadata);
    for (const auto& stored : header.tensors) {
      result.tensors[stored.name] = tensor_at(mapping, header.data_begin, stored);
    }
    return result;
  } catch (const DataError& problem) {
    throw DataError(text(file.string(), " is damaged: ", problem.what()));
  }
}

}  // namespace lamina::engine
