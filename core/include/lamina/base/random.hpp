// Random numbers that depend on a seed and keys alone, so that threads, ranks and resumed runs agree.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace lamina {

/// A small generator (SplitMix64) whose stream is a function of (seed, keys). The same on every platform.
class LAMINA_API Random {
 public:
  explicit Random(uint64_t seed, std::initializer_list<uint64_t> keys = {});

  uint64_t bits();                               ///< 64 uniform bits
  double uniform();                              ///< [0, 1)
  double uniform(double low, double high);       ///< [low, high)
  int64_t integer(int64_t low, int64_t high);    ///< low..high, both included; unbiased
  double normal(double mean = 0, double sd = 1);
  bool chance(double probability);
  /// An independent stream; does not advance this one.
  Random fork(uint64_t key) const;
  Random fork(std::string_view key) const;

 private:
  uint64_t state_;
};

/// FNV-1a, for turning names into keys. Stable across platforms and releases.
LAMINA_API uint64_t hash_name(std::string_view name);

}  // namespace lamina
