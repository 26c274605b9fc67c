// Gradient checkpointing: activations are computed twice instead of being kept.
#pragma once

#include <lamina/base/export.hpp>

#include <functional>

#include <torch/types.h>

namespace lamina::nn {

using CheckpointWork = std::function<torch::Tensor(const torch::Tensor&)>;

/// Returns first(input) and keeps only the input; `again` runs during backward and must compute the same. It outlives
/// the forward, so it owns what it uses. Random numbers (torch's own generators) and autocast are as in the first run.
///
/// Gradients reach the input and every parameter that the work used, whether it is handed in or not, also where the
/// input itself needs none. What the work writes elsewhere (a scene) carries no gradient back to the input; see
/// SiteHook::repeatable(). Without gradients this is a plain call. Backward with create_graph is an Error.
LAMINA_API torch::Tensor checkpoint(const CheckpointWork& first, CheckpointWork again, const torch::Tensor& input);

}  // namespace lamina::nn
