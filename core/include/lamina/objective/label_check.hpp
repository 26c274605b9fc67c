// The one check that losses make of the labels they train on.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/objective/loss.hpp>

namespace lamina {

/// DataError naming the batch's cases and the values found, where labels hold anything but 0 .. setup.classes - 1 and
/// setup.ignore.
LAMINA_API void require_known_labels(const torch::Tensor& labels, const Batch& batch, const LossSetup& setup);

}  // namespace lamina
