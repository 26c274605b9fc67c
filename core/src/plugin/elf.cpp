// Checks that every part which an ELF file announces lies within the file.
#include "plugin/elf.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include <elf.h>

namespace lamina {

std::string library_problem(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const auto size = static_cast<uint64_t>(std::max<std::streamoff>(in.tellg(), 0));
  Elf64_Ehdr head{};
  in.seekg(0);
  in.read(reinterpret_cast<char*>(&head), sizeof(head));
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
    return "is no shared library, only named like a plugin; remove or rename it";
  if (!in || head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(Elf64_Phdr)) {
    return "is no shared library for this machine";
  }
  const std::string cut = "is cut off: its headers announce more bytes than the file has; build or copy it again";
  if (head.e_phoff > size || uint64_t{head.e_phnum} * sizeof(Elf64_Phdr) > size - head.e_phoff) return cut;
  in.seekg(static_cast<std::streamoff>(head.e_phoff));
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part{};
    in.read(reinterpret_cast<char*>(&part), sizeof(part));
    if (part.p_type == PT_LOAD && (part.p_offset > size || part.p_filesz > size - part.p_offset)) return cut;
  }
  return in ? "" : cut;
}

}  // namespace lamina
