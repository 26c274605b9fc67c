// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, every seed is good, forks are cheap.
#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <cmath>
#include <numbers>

namespace lamina {
namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15u;

uint64_t mix(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  return bits ^ (bits >> 31);
}

/// The odd factor keeps seed and keys apart: (1, {2}) and (2, {1}) are different streams.
uint64_t absorb(uint64_t state, uint64_t key) { return mix(state * 0xD1342543DE82EF95u + mix(key + kGolden)); }

}  // namespace

Random::Random(uint64_t seed, std::initializer_list<uint64_t> keys) : state_(mix(seed + kGolden)) {
  for (const uint64_t key : keys) state_ = absorb(state_, key);
}

uint64_t Random::bits() {
  state_ += kGolden;
  return mix(state_);
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

double Random::uniform(double low, double high) {
  const double value = low + (high - low) * uniform();
  // Rounding may reach the upper end, which does not belong to the interval.
  return value < high || low >= high ? value : std::nextafter(high, low);
}

int64_t Random::integer(int64_t low, int64_t high) {
  if (low > high)
    throw Error(text("a random integer from ", low, " to ", high, " was asked for; the first must not be larger"));
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  if (span == 0) return static_cast<int64_t>(bits());  // all 64 bits
  // Values above the last multiple of span would favour small results.
  const uint64_t surplus = (0 - span) % span;
  uint64_t drawn = bits();
  while (drawn < surplus) drawn = bits();
  return static_cast<int64_t>(static_cast<uint64_t>(low) + drawn % span);
}

double Random::normal(double mean, double sd) {
  // Box and Muller; one of the pair is dropped so that the state stays one number.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return mean + sd * radius * std::cos(2.0 * std::numbers::pi * uniform());
}

bool Random::chance(double probability) { return uniform() < probability; }

Random Random::fork(uint64_t key) const {
  Random child(0);
  child.state_ = absorb(state_, key);
  return child;
}

Random Random::fork(std::string_view key) const { return fork(hash_name(key)); }

uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3u;
  return hash;
}

}  // namespace lamina
