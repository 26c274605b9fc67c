// libzip behind a small face. Sizes come from strangers: none is believed beyond the size of the file.
#include "engine/weights/zip_archive.hpp"

#include "engine/weights/printable.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <zip.h>

#include <algorithm>

namespace lamina::engine {
namespace {

/// libzip's reason for a code of its own.
std::string zip_reason(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  return reason;
}

zip_t* open_file(const std::filesystem::path& file) {
  int code = 0;
  zip_t* archive = zip_open(file.c_str(), ZIP_RDONLY, &code);
  if (!archive)
    throw DataError(text(file.string(), ": cannot be read as a zip archive: ", zip_reason(code),
                         "; was it cut off while it was copied?"));
  return archive;
}

zip_t* open_bytes(std::string_view bytes, const std::string& origin) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* archive = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : nullptr;
  const std::string reason = archive ? "" : zip_error_strerror(&error);
  zip_error_fini(&error);
  if (archive) return archive;
  zip_source_free(source);
  throw DataError(text(origin, ": cannot be read as a zip archive: ", reason));
}

uint64_t size_of(const std::filesystem::path& file) {
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(file, error);
  if (error) throw DataError(text(file.string(), ": cannot be read: ", error.message()));
  return bytes;
}

}  // namespace

ZipArchive::ZipArchive(const std::filesystem::path& file)
    : origin_(file.string()), bytes_(size_of(file)), archive_(open_file(file), &zip_discard) {
  list_members();
}

ZipArchive::ZipArchive(std::string_view bytes, std::string origin)
    : origin_(std::move(origin)), bytes_(bytes.size()), archive_(open_bytes(bytes, origin_), &zip_discard) {
  list_members();
}

void ZipArchive::fail(const std::string& fact) const { throw DataError(text(origin_, ": ", fact)); }

void ZipArchive::list_members() {
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  uint64_t bytes_left = bytes_;
  for (zip_int64_t i = 0; i < count; ++i) {
    ZipMember member = describe(static_cast<uint64_t>(i));
    if (member.bytes > bytes_left) fail("is damaged: its members claim more bytes than the file has");
    bytes_left -= member.bytes;
    if (!member.name.ends_with('/')) members_.push_back(std::move(member));  // else a folder
  }
  std::sort(members_.begin(), members_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twin = std::adjacent_find(members_.begin(), members_.end(),
                                       [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twin != members_.end()) fail(text("holds two members named '", printable(twin->name), "'"));
}

ZipMember ZipArchive::describe(uint64_t index) const {
  zip_stat_t found;
  zip_stat_init(&found);
  constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if (zip_stat_index(archive_.get(), index, ZIP_FL_ENC_RAW, &found) != 0 || (found.valid & kNeeded) != kNeeded)
    fail(text("is damaged: member number ", index, " cannot be described"));
  const std::string name = found.name;
  if ((found.valid & ZIP_STAT_ENCRYPTION_METHOD) && found.encryption_method != ZIP_EM_NONE)
    fail(text("is encrypted (member '", printable(name), "'); lamina needs the file as torch.save wrote it"));
  if (found.comp_method != ZIP_CM_STORE) return {name, index, found.comp_size, true};
  if (found.size != found.comp_size) fail(text("is damaged: member '", printable(name), "' has two sizes"));
  return {name, index, found.size};
}

const ZipMember* ZipArchive::find(std::string_view name) const {
  const auto at =
      std::lower_bound(members_.begin(), members_.end(), name,
                       [](const ZipMember& member, std::string_view wanted) { return member.name < wanted; });
  return at != members_.end() && at->name == name ? &*at : nullptr;
}

void ZipArchive::read(const ZipMember& member, void* target) const {
  if (member.compressed)
    fail(
        text("is compressed (member '", printable(member.name),
             "'), which torch.save never does: the archive was packed anew; unpack it and pack it with `zip -0 -r`, or "
             "save the weights again"));
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> in(zip_fopen_index(archive_.get(), member.index, 0),
                                                             &zip_fclose);
  if (!in) fail(text("member '", printable(member.name), "' cannot be read: ", zip_strerror(archive_.get())));
  uint64_t done = 0;
  while (done < member.bytes) {
    const zip_int64_t count = zip_fread(in.get(), static_cast<char*>(target) + done, member.bytes - done);
    if (count <= 0) fail(text("member '", printable(member.name), "' is damaged: ", zip_file_strerror(in.get())));
    done += static_cast<uint64_t>(count);
  }
  char beyond = 0;  // libzip compares the checksum when it meets the end
  if (zip_fread(in.get(), &beyond, 1) != 0)
    fail(text("member '", printable(member.name), "' is damaged: its checksum differs (", zip_file_strerror(in.get()),
              ")"));
}

std::string ZipArchive::read(const ZipMember& member) const {
  std::string bytes(member.bytes, '\0');
  read(member, bytes.data());
  return bytes;
}

}  // namespace lamina::engine
