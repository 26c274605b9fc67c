// The one check that losses make of the labels they train on.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/objective/label_check.hpp>

#include <torch/utils.h>

namespace lamina {

void require_known_labels(const torch::Tensor& labels, const Batch& batch, const LossSetup& setup) {
  torch::Tensor known = labels.ge(0) & labels.lt(setup.classes);
  if (setup.ignore) known |= labels.eq(*setup.ignore);
  if (known.all().item<bool>()) return;
  throw DataError(text("the labels of the batch (cases ", join(batch.ids), ") go from ", labels.min().item<int64_t>(),
                       " to ", labels.max().item<int64_t>(), "; the dataset declares 0 to ", setup.classes - 1,
                       setup.ignore ? text(" and ignores ", *setup.ignore) : std::string()));
}

}  // namespace lamina
