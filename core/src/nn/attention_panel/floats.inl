// Products of float operands in registers: a word is one float.
//
// A left operand is [rows][words], a right one [words][lanes]; a word is what one multiplication takes.
#pragma once

#include "vectors.inl"

namespace lamina::nn::panel {
namespace {

struct Floats {
  typedef float Element;
  typedef float Word;
  static constexpr int kPerWord = 1;
  static constexpr long kRowStep = 1;   // rows of a left operand come in multiples of this,
  static constexpr long kWordStep = 1;  // words in these
  static constexpr bool kRough = false;
  static void begin() {}
  static void end() {}

  LAMINA_INLINE Vec widen(const Element* at) { return load_loose(at); }
  LAMINA_INLINE void narrow(Element* at, Vec value) { store_loose(at, value); }
  LAMINA_INLINE void multiply_add(Vec& sum, Vec b, const Word* a) { sum += b * *a; }
  /// One word vector for every kPerWord rows.
  LAMINA_INLINE void store_words(Word* at, long step, Vec first, Vec second) {
    store(at, first);
    store(at + step, second);
  }
  /// A right operand [rows / kPerWord][columns] of elements [rows][columns].
  static const Word* pairs_of(const Element* from, long, long, long, Word*) { return from; }
  /// A left operand from floats [rows][columns].
  static const Word* rows_of(const float* from, long, long, long, Word*) { return from; }
  /// A right operand [rows / kPerWord][columns].
  static const Word* columns_of(const float* from, long, long, long, Word*) { return from; }
};

}  // namespace
}  // namespace lamina::nn::panel
