// Out-of-line parts of the interfaces, so that their type information exists once, in this library.
#include <lamina/data/dataset.hpp>
#include <lamina/data/slab_sink.hpp>
#include <lamina/data/transform.hpp>

#include <set>

namespace lamina {

SlabSink::~SlabSink() = default;
Dataset::~Dataset() = default;
std::vector<CaseName> Dataset::cases() const {
  std::vector<CaseName> all;
  std::set<std::string> seen;
  for (const auto split : {Split::Train, Split::Val, Split::Test}) {
    for (const auto& id : ids(split)) {
      if (seen.insert(id).second) all.push_back({id, id});
    }
  }
  return all;
}

Transform::~Transform() = default;
TensorDict Transform::fit(const std::vector<std::string>&, const std::function<Case(const std::string&)>&) {
  return {};
}
void Transform::restore(const TensorDict&) {}
std::array<double, 3> Transform::reach() const { return {1, 1, 1}; }
std::unique_ptr<SlabSink> Transform::inverse(const Frame&, const Frame&, SlabSink&) const { return nullptr; }

}  // namespace lamina
