// Reference cases of training-free methods; counts how many labels were read, because that is the annotation budget.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/dataset.hpp>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace lamina {

class LAMINA_API SupportSet {
 public:
  /// `load` gives a prepared case by id.
  SupportSet(std::vector<std::string> ids, std::function<Case(const std::string&, WithLabels)> load);
  size_t size() const { return ids_.size(); }
  const std::string& id(size_t index) const { return ids_.at(index); }
  torch::Tensor image(size_t index) const;  ///< [C, D, H, W]
  torch::Tensor label(size_t index);        ///< [1, D, H, W]; counted once per case
  int64_t labels_read() const { return static_cast<int64_t>(read_.size()); }

 private:
  std::vector<std::string> ids_;
  std::function<Case(const std::string&, WithLabels)> load_;
  std::set<size_t> read_;
};

}  // namespace lamina
