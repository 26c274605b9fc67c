// Brings one file over HTTP, through libcurl: goes on where an earlier try stopped, and believes only size and hash.
// (libtorch carries a copy of cpp-httplib and exports symbols of it, so that library does not go into the same
// process.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lamina::engine {

struct DownloadTarget {
  std::string url;
  std::filesystem::path file;  ///< written as <file>.part until it is whole and verified
  uint64_t bytes = 0;          ///< 0: whatever the server offers
  std::string sha256;          ///< 64 hexadecimal digits; "": unknown
};

/// True when the file was brought, false when it was there already and is the one asked for. Error (exit code 1) in
/// words that name URL and path: no network, the server refuses, another size or hash, a file of another content in the
/// way; Interrupted keeps the part. Proxies are taken from the environment (https_proxy, no_proxy).
bool download(const DownloadTarget& target);

}  // namespace lamina::engine
