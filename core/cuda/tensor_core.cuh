// Instructions of sm_80 and later that CUDA C++ has no words for: tensor cores and copies that do not wait.
// tests/support/simt.hpp acts them out on the CPU.
//
// Lane l of a warp holds of a 16 x 8 result the columns 2(l%4), 2(l%4)+1 of the rows l/4 (sum[0], sum[1]) and l/4 + 8
// (sum[2], sum[3]).
#pragma once

#include <cstdint>

namespace lamina::cuda {

/// 16 deep. left: rows l/4 and l/4 + 8 at depth 2(l%4) and the next, then the same 8 deeper; right: column l/4
/// likewise.
LAMINA_DEVICE void multiply_bf16(float (&sum)[4], const uint32_t (&left)[4], uint32_t right_0, uint32_t right_1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0), "r"(right_1));
}

/// 8 deep. left: rows l/4 and l/4 + 8 at depth l%4, then at l%4 + 4; right: column l/4 likewise.
LAMINA_DEVICE void multiply_tf32(float (&sum)[4], const uint32_t (&left)[4], uint32_t right_0, uint32_t right_1) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0), "r"(right_1));
}

LAMINA_DEVICE uint32_t as_tf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

/// Four 8 x 8 matrices from shared memory, whose rows lie where lanes 0-7, 8-15, 16-23 and 24-31 point: word m is
/// matrix m's row l/4 at columns 2(l%4), 2(l%4)+1.
LAMINA_DEVICE void load_matrices(const BFloat16* row, uint32_t (&words)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row))));
}

/// The same of the matrices' transposes.
LAMINA_DEVICE void load_transposed(const BFloat16* row, uint32_t (&words)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row))));
}

/// Starts to copy 16 bytes into shared memory; zeros where there is nothing (`from` is then any address).
LAMINA_DEVICE void copy_16(void* to, const void* from, bool there) {
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
      "l"(from), "r"(there ? 16 : 0));
}

/// The same of one float.
LAMINA_DEVICE void copy_4(float* to, const float* from, bool there) {
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
      "l"(from), "r"(there ? 4 : 0));
}

/// Waits for the thread's own copies.
LAMINA_DEVICE void finish_copies() {
  asm volatile("cp.async.commit_group;");
  asm volatile("cp.async.wait_group 0;" ::: "memory");
}

}  // namespace lamina::cuda
