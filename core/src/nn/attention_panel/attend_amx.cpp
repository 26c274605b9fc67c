// For processors with tiles of 16 rows of 64 bytes: a product of bfloat16 pairs takes 16 x 16 sums and 16 words at
// once.
namespace lamina::nn::panel {
namespace {
constexpr int kLanes = 16, kMostVectors = 4;
constexpr long kTileKeys = 256, kBlockKeys = 32, kBackwardTileKeys = 64;
}  // namespace
}  // namespace lamina::nn::panel

#include <immintrin.h>

#include "backward.inl"
#include "forward.inl"
#include "halves.inl"

namespace lamina::nn::panel {
namespace {

struct TileHalves : Halves {
  static constexpr long kRowStep = 16, kWordStep = 16;
};

/// As InRegisters, in tiles: squares of 2 x 2 sums, 0 to 3, of left operands 4 and 5 with right ones 6 and 7.
struct InTiles {
  typedef unsigned Word;

  static void begin() {
    struct alignas(64) {
      unsigned char palette = 1, row = 0, unused[14] = {};
      unsigned short bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      unsigned char rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } layout;
    _tile_loadconfig(&layout);
  }
  static void end() { _tile_release(); }

  template <int kRows, int kColumns>
  LAMINA_INLINE void square(const Word* a, long a_step, const Word* b, long b_step, float* c, long c_step, long words,
                            bool add) {
    const long a_bytes = a_step * 4, b_bytes = b_step * 4, c_bytes = c_step * 4;
    if (add) {
      _tile_loadd(0, c, c_bytes);
      if (kColumns == 2) _tile_loadd(1, c + 16, c_bytes);
      if (kRows == 2) _tile_loadd(2, c + 16 * c_step, c_bytes);
      if (kRows == 2 && kColumns == 2) _tile_loadd(3, c + 16 * c_step + 16, c_bytes);
    } else {
      _tile_zero(0);
      if (kColumns == 2) _tile_zero(1);
      if (kRows == 2) _tile_zero(2);
      if (kRows == 2 && kColumns == 2) _tile_zero(3);
    }
    for (long w = 0; w < words; w += 16, a += 16, b += 16 * b_step) {
      _tile_loadd(4, a, a_bytes);
      _tile_loadd(6, b, b_bytes);
      _tile_dpbf16ps(0, 4, 6);
      if (kColumns == 2) {
        _tile_loadd(7, b + 16, b_bytes);
        _tile_dpbf16ps(1, 4, 7);
      }
      if (kRows == 2) {
        _tile_loadd(5, a + 16 * a_step, a_bytes);
        _tile_dpbf16ps(2, 5, 6);
        if (kColumns == 2) _tile_dpbf16ps(3, 5, 7);
      }
    }
    _tile_stored(0, c, c_bytes);
    if (kColumns == 2) _tile_stored(1, c + 16, c_bytes);
    if (kRows == 2) _tile_stored(2, c + 16 * c_step, c_bytes);
    if (kRows == 2 && kColumns == 2) _tile_stored(3, c + 16 * c_step + 16, c_bytes);
  }

  static void product(const Word* a, long a_step, const Word* b, long b_step, float* c, long c_step, long rows,
                      long vectors, long words, bool add) {
    for (long r = 0; r < rows; r += 32) {
      const bool two_rows = rows - r > 16;
      for (long j = 0; j < vectors; j += 2) {
        const Word *const left = a + r * a_step, *const right = b + j * 16;
        float* const to = c + r * c_step + j * 16;
        const bool two_columns = vectors - j > 1;
        if (two_rows && two_columns) {
          square<2, 2>(left, a_step, right, b_step, to, c_step, words, add);
        } else if (two_rows) {
          square<2, 1>(left, a_step, right, b_step, to, c_step, words, add);
        } else if (two_columns) {
          square<1, 2>(left, a_step, right, b_step, to, c_step, words, add);
        } else {
          square<1, 1>(left, a_step, right, b_step, to, c_step, words, add);
        }
      }
    }
  }
};

}  // namespace

const Kernel kAmxBf16 = {"amx_bf16",
                         true,
                         forward_bytes<TileHalves, InTiles>,
                         forward<TileHalves, InTiles>,
                         backward_bytes<TileHalves, InTiles>,
                         backward<TileHalves, InTiles>};

}  // namespace lamina::nn::panel
