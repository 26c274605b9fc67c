// Reference cases with an honest count of the labels that were looked at.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/support.hpp>

namespace lamina {

SupportSet::SupportSet(std::vector<std::string> ids, std::function<Case(const std::string&, WithLabels)> load)
    : ids_(std::move(ids)), load_(std::move(load)) {}

torch::Tensor SupportSet::image(size_t index) const { return load_(id(index), WithLabels::No).images.primary().voxels; }

torch::Tensor SupportSet::label(size_t index) {
  const Case one = load_(id(index), WithLabels::Yes);
  if (!one.has_label())
    throw DataError(text("support case '", id(index), "' has no label; a reference case needs one"));
  read_.insert(index);
  return one.labels.primary().voxels;
}

}  // namespace lamina
