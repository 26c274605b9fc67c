// The two halves of the backward pass; files of their own, since their kernels take long to compile.
#pragma once

#include "device_kernels.hpp"

namespace lamina::cuda {

const char* attention_gradient_queries(const AttentionGradientCall& call, void* stream);
const char* attention_gradient_keys(const AttentionGradientCall& call, void* stream);

}  // namespace lamina::cuda
