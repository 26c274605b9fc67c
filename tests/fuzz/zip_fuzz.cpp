// The archive around a torch file: members are listed and read.
#include "engine/weights/zip_archive.hpp"

#include <lamina/base/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamina::engine;
  try {
    const ZipArchive archive(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    for (const ZipMember& member : archive.members()) {
      try {
        archive.read(member);
      } catch (const lamina::DataError&) {  // the next one may be sound
      }
    }
  } catch (const lamina::DataError&) {  // refused in words
  }
  return 0;
}
