// bfloat16 operands: a word is a pair of neighbours along the sum, the first in its lower half. For 16 lanes.
#pragma once

#include "vectors.inl"

namespace lamina::nn::panel {
namespace {

constexpr unsigned kHalfBit = 0x8000;  // of a float's lower 16 bits: added, it rounds to the nearest

struct Halves {
  typedef unsigned short Element;
  typedef unsigned Word;
  static constexpr int kPerWord = 2;
  static constexpr bool kRough = true;

  LAMINA_INLINE UInt widen_bits(const void* at) {
    return __builtin_convertvector(*static_cast<const Shorts*>(at), UInt);
  }
  LAMINA_INLINE Vec widen(const Element* at) { return reinterpret_cast<Vec>(widen_bits(at) << 16); }
  LAMINA_INLINE UInt rounded(Vec value) { return reinterpret_cast<UInt>(value) + kHalfBit; }
  LAMINA_INLINE Vec pair(Vec first, Vec second) {
    return reinterpret_cast<Vec>((rounded(first) >> 16) | (rounded(second) & 0xffff0000U));
  }
  LAMINA_INLINE void narrow(Element* at, Vec value) {
    *reinterpret_cast<Shorts*>(at) = __builtin_convertvector(rounded(value) >> 16, Shorts);
  }
  LAMINA_INLINE void store_words(Word* at, long, Vec first, Vec second) { store(at, pair(first, second)); }

  LAMINA_INLINE Element narrowed(float value) {
    unsigned bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return static_cast<Element>((bits + kHalfBit) >> 16);
  }

  static const Word* pairs_of(const Element* from, long step, long rows, long columns, Word* to) {
    for (long r = 0; r < rows; r += 2) {
      for (long j = 0; j < columns; j += kLanes) {
        const UInt first = widen_bits(from + r * step + j), second = widen_bits(from + (r + 1) * step + j);
        store(to + r / 2 * columns + j, reinterpret_cast<Vec>(first | (second << 16)));
      }
    }
    return to;
  }
  static const Word* rows_of(const float* from, long step, long rows, long columns, Word* to) {
    for (long r = 0; r < rows; ++r) {
      for (long j = 0; j < columns; j += kLanes)
        narrow(reinterpret_cast<Element*>(to + r * (step / 2)) + j, load(from + r * step + j));
    }
    return to;
  }
  static const Word* columns_of(const float* from, long step, long rows, long columns, Word* to) {
    for (long r = 0; r < rows; r += 2) {
      for (long j = 0; j < columns; j += kLanes)
        store(to + r / 2 * step + j, pair(load(from + r * step + j), load(from + (r + 1) * step + j)));
    }
    return to;
  }
};

}  // namespace
}  // namespace lamina::nn::panel
