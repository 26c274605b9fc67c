// SHA-256 through OpenSSL.
#include "engine/experiment/sha256.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw Error("OpenSSL offers no SHA-256");
  }
  void add(const char* bytes, size_t count) {
    if (EVP_DigestUpdate(context_.get(), bytes, count) != 1) throw Error("OpenSSL could not go on hashing");
  }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(context_.get(), raw.data(), &length) != 1) throw Error("OpenSSL could not finish hashing");
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < length; ++i) {
      hex += kDigits[raw[i] >> 4];
      hex += kDigits[raw[i] & 15];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string hash_content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw DataError(text("cannot read ", file.string()));
  Digest digest;
  std::vector<char> piece(1 << 20);
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.add(piece.data(), static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) throw DataError(text("cannot read ", file.string(), " to its end"));
  return digest.finish();
}

}  // namespace

std::string sha256(std::string_view bytes) {
  Digest digest;
  digest.add(bytes.data(), bytes.size());
  return digest.finish();
}

std::string sha256_of_file(const fs::path& file) {
  using Key = std::tuple<std::string, uintmax_t, fs::file_time_type>;
  static std::mutex mutex;
  static std::map<Key, std::string> known;  // a study asks for the same weights once per arm and seed
  std::error_code error;
  const Key key{fs::weakly_canonical(file, error).string(), fs::file_size(file, error),
                fs::last_write_time(file, error)};
  const std::lock_guard lock(mutex);
  auto found = known.find(key);
  if (found == known.end()) found = known.emplace(key, hash_content(file)).first;
  return found->second;
}

}  // namespace lamina::engine
