// Runs device kernels on the CPU, thread by thread: their arithmetic and their order of waiting are tested on machines
// without a device. Every thread of a block is a fiber that gives way where it waits for others. What CUDA offers and
// core/cuda uses is here under CUDA's own names.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <vector>

#include <ucontext.h>

#define LAMINA_DEVICE inline
#define LAMINA_HOST_DEVICE
#define LAMINA_KERNEL(threads) void
#define LAMINA_KERNEL_BLOCKS(threads, blocks) void
#define LAMINA_UNROLL
#define LAMINA_SHARED(name) unsigned char* const name = lamina::simt::running().shared_memory()

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

/// The upper half of a float.
struct __nv_bfloat16 {
  uint16_t bits;
};
struct __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

namespace lamina::simt {

enum class Wait { None, Warp, Block, Done };
constexpr int kLanes = 32;
constexpr size_t kStack = 256 * 1024;

/// One block: its threads, what they wait for, and memory they share.
class Block {
 public:
  Block(int threads, size_t shared_bytes)
      : shared_(shared_bytes + 64),
        fibers_(static_cast<size_t>(threads)),
        exchange_(static_cast<size_t>((threads + kLanes - 1) / kLanes)) {}

  /// Runs `kernel` in every thread, until all are done; throws where threads wait for each other for ever.
  void run(dim3 block, const std::function<void()>& kernel);

  unsigned char* shared_memory() {
    return reinterpret_cast<unsigned char*>((reinterpret_cast<uintptr_t>(shared_.data()) + 63) / 64 * 64);
  }
  unsigned thread() const { return static_cast<unsigned>(current_); }
  dim3 block() const { return block_; }

  void wait(Wait what) {
    const size_t me = current_;
    fibers_[me].waits = what;
    swapcontext(&fibers_[me].context, &scheduler_);
  }

  /// Every lane of the warp gives `count` words; all are there to be read when this returns, until the next wait.
  const std::array<uint32_t, kLanes * 8>& exchange(const uint32_t* words, size_t count) {
    auto& board = exchange_[current_ / kLanes];
    wait(Wait::Warp);  // nobody reads the last exchange any more
    std::copy_n(words, count, board.begin() + static_cast<std::ptrdiff_t>(current_ % kLanes * 8));
    wait(Wait::Warp);
    return board;
  }

 private:
  struct Fiber {
    ucontext_t context{};
    std::vector<char> stack = std::vector<char>(kStack);
    Wait waits = Wait::None;
  };

  static void enter();
  void start(Fiber& fiber);
  bool release(size_t begin, size_t end, Wait what);

  std::vector<unsigned char> shared_;
  std::vector<Fiber> fibers_;
  std::vector<std::array<uint32_t, kLanes * 8>> exchange_;
  std::function<void()> kernel_;
  ucontext_t scheduler_{};
  dim3 block_;
  size_t current_ = 0;
};

inline Block*& running_block() {
  static Block* block = nullptr;
  return block;
}
inline Block& running() { return *running_block(); }

inline void Block::enter() {
  running().kernel_();
  running().wait(Wait::Done);
}

inline void Block::start(Fiber& fiber) {
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.data();
  fiber.context.uc_stack.ss_size = fiber.stack.size();
  fiber.context.uc_link = nullptr;
  fiber.waits = Wait::None;
  makecontext(&fiber.context, &Block::enter, 0);
}

/// Lets threads [begin, end) go on if all that are left wait for each other.
inline bool Block::release(size_t begin, size_t end, Wait what) {
  size_t waiting = 0;
  for (size_t i = begin; i < end; ++i) {
    if (fibers_[i].waits == Wait::Done) continue;
    if (fibers_[i].waits != what) return false;
    ++waiting;
  }
  for (size_t i = begin; i < end; ++i) {
    if (fibers_[i].waits == what) fibers_[i].waits = Wait::None;
  }
  return waiting > 0;
}

inline void Block::run(dim3 block, const std::function<void()>& kernel) {
  block_ = block;
  kernel_ = kernel;
  running_block() = this;
  std::fill(shared_.begin(), shared_.end(), 0xff);  // what nobody wrote is NaN
  for (auto& fiber : fibers_) start(fiber);
  for (bool moved = true; moved;) {
    moved = false;
    for (current_ = 0; current_ < fibers_.size(); ++current_) {
      if (fibers_[current_].waits != Wait::None) continue;
      moved = true;
      swapcontext(&scheduler_, &fibers_[current_].context);
    }
    for (size_t begin = 0; begin < fibers_.size(); begin += kLanes)
      moved |= release(begin, std::min(begin + kLanes, fibers_.size()), Wait::Warp);
    moved |= release(0, fibers_.size(), Wait::Block);
  }
  for (const auto& fiber : fibers_) {
    if (fiber.waits != Wait::Done) throw std::logic_error("threads of a block wait for each other for ever");
  }
}

/// Runs a kernel on a grid of blocks, one after the other.
inline void launch(dim3 grid, int threads, size_t shared_bytes, const std::function<void()>& kernel) {
  Block block(threads, shared_bytes);
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) block.run({x, y, z}, kernel);
    }
  }
}

struct ThreadIndex {
  struct X {
    operator unsigned() const { return running().thread(); }
  } x;
};
struct BlockIndex {
  struct X {
    operator unsigned() const { return running().block().x; }
  } x;
  struct Y {
    operator unsigned() const { return running().block().y; }
  } y;
  struct Z {
    operator unsigned() const { return running().block().z; }
  } z;
};

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace lamina::simt

inline constexpr lamina::simt::ThreadIndex threadIdx{};
inline constexpr lamina::simt::BlockIndex blockIdx{};

inline void __syncthreads() { lamina::simt::running().wait(lamina::simt::Wait::Block); }
inline void __syncwarp() { lamina::simt::running().wait(lamina::simt::Wait::Warp); }

inline float __shfl_xor_sync(unsigned, float value, int mask) {
  auto& block = lamina::simt::running();
  const uint32_t word = lamina::simt::bits_of(value);
  const auto& board = block.exchange(&word, 1);
  return lamina::simt::float_of(board[(block.thread() % 32 ^ static_cast<unsigned>(mask)) * 8]);
}

using std::min;
inline float rsqrtf(float value) { return 1 / std::sqrt(value); }
inline float __uint_as_float(uint32_t bits) { return lamina::simt::float_of(bits); }
inline float __bfloat162float(__nv_bfloat16 value) { return lamina::simt::float_of(uint32_t{value.bits} << 16); }
inline __nv_bfloat16 __float2bfloat16(float value) {
  const uint32_t bits = lamina::simt::bits_of(value);  // to the nearest, ties to even
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {__float2bfloat16(x), __float2bfloat16(y)}; }

namespace lamina::cuda {

using BFloat16 = __nv_bfloat16;

// core/cuda/tensor_core.cuh says what these do.

/// Ten bits of mantissa, to the nearest.
inline uint32_t as_tf32(float value) { return (simt::bits_of(value) + 0x1000) & ~uint32_t{0x1fff}; }

/// element(word, part) is what a word holds; kDepth / 8 parts a word.
template <int kDepth, typename Element>
void multiply_fragments(float (&sum)[4], const uint32_t (&left)[4], uint32_t right_0, uint32_t right_1,
                        const Element& element) {
  auto& block = simt::running();
  const uint32_t words[6] = {left[0], left[1], left[2], left[3], right_0, right_1};
  const auto& board = block.exchange(words, 6);
  const int lane = static_cast<int>(block.thread() % simt::kLanes), parts = kDepth / 8;
  for (int e = 0; e < 4; ++e) {
    const int row = lane / 4 + e / 2 * 8, column = 2 * (lane % 4) + e % 2;
    for (int k = 0; k < kDepth; ++k) {
      const int upper = k / (kDepth / 2), quad = k % (kDepth / 2) / parts, part = k % parts;
      const uint32_t a = board[static_cast<size_t>((row % 8 * 4 + quad) * 8 + row / 8 + 2 * upper)];
      const uint32_t b = board[static_cast<size_t>((column * 4 + quad) * 8 + 4 + upper)];
      sum[e] += element(a, part) * element(b, part);
    }
  }
}

inline void multiply_bf16(float (&sum)[4], const uint32_t (&left)[4], uint32_t right_0, uint32_t right_1) {
  multiply_fragments<16>(sum, left, right_0, right_1, [](uint32_t word, int part) {
    return simt::float_of(part ? word & 0xffff0000U : word << 16);
  });
}

inline void multiply_tf32(float (&sum)[4], const uint32_t (&left)[4], uint32_t right_0, uint32_t right_1) {
  multiply_fragments<8>(sum, left, right_0, right_1, [](uint32_t word, int) { return simt::float_of(word); });
}

/// Where the lanes' rows lie; a lane's place in its matrix's row.
template <typename Pick>
void load_from_rows(const BFloat16* row, uint32_t (&words)[4], const Pick& pick) {
  auto& block = simt::running();
  uint32_t halves[2];
  std::memcpy(halves, &row, sizeof row);
  const auto& board = block.exchange(halves, 2);
  const auto element = [&](size_t lane, size_t column) -> uint32_t {
    const BFloat16* from;
    std::memcpy(&from, &board[lane * 8], sizeof from);
    if (reinterpret_cast<uintptr_t>(from) % 16 != 0) throw std::logic_error("a matrix's row is not aligned");
    return from[column].bits;
  };
  const size_t lane = block.thread() % simt::kLanes;
  for (size_t m = 0; m < 4; ++m) words[m] = pick(element, m * 8, lane / 4, 2 * (lane % 4));
}

inline void load_matrices(const BFloat16* row, uint32_t (&words)[4]) {
  load_from_rows(row, words, [](const auto& element, size_t first, size_t along, size_t two) {
    return element(first + along, two) | element(first + along, two + 1) << 16;
  });
}

inline void load_transposed(const BFloat16* row, uint32_t (&words)[4]) {
  load_from_rows(row, words, [](const auto& element, size_t first, size_t along, size_t two) {
    return element(first + two, along) | element(first + two + 1, along) << 16;
  });
}

/// Copies at once; a kernel that does not wait for them is not found out.
inline void copy_16(void* to, const void* from, bool there) {
  if (reinterpret_cast<uintptr_t>(to) % 16 != 0 || (there && reinterpret_cast<uintptr_t>(from) % 16 != 0))
    throw std::logic_error("a copy of 16 bytes is not aligned");
  if (there) {
    std::memcpy(to, from, 16);
  } else {
    std::memset(to, 0, 16);
  }
}

inline void copy_4(float* to, const float* from, bool there) { *to = there ? *from : 0; }

inline void finish_copies() {}

}  // namespace lamina::cuda
