// The zip archive around a torch file, through libzip. Knows no torch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct zip;

namespace lamina::engine {

struct ZipMember {
  std::string name;
  uint64_t index = 0, bytes = 0;
  bool compressed = false;  ///< may be there, and cannot be read
};

/// Members that are stored as they are, as torch.save writes them. DataError, which begins with the file: no archive,
/// damaged, compressed, encrypted, or members larger than the file.
class ZipArchive {
 public:
  explicit ZipArchive(const std::filesystem::path& file);
  /// The same in memory, which must live as long.
  ZipArchive(std::string_view bytes, std::string origin);

  const std::vector<ZipMember>& members() const { return members_; }
  /// Null where there is none.
  const ZipMember* find(std::string_view name) const;
  /// Writes the member's bytes to `target`, and compares them with the archive's checksum.
  void read(const ZipMember& member, void* target) const;
  std::string read(const ZipMember& member) const;
  uint64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void fail(const std::string& fact) const;
  void list_members();
  ZipMember describe(uint64_t index) const;

  std::string origin_;
  uint64_t bytes_;
  std::unique_ptr<zip, void (*)(zip*)> archive_;
  std::vector<ZipMember> members_;  // by name
};

}  // namespace lamina::engine
