// All cases on one number of voxels, as networks for square pictures want them.
#pragma once

#include <lamina/data/transform.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct ResizeOptions {
  ConfigNode size = ConfigNode::parse("\"patch\"");

  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class Resize : public Transform {
 public:
  using Options = ResizeOptions;
  Resize(const Options& options, const TransformContext& context);

  Case apply(Case one, Random& random) const override;
  std::unique_ptr<SlabSink> inverse(const Frame& before, const Frame& after, SlabSink& next) const override;

 private:
  Size3 target(const Size3& size) const;

  std::array<std::optional<int64_t>, 3> size_;  // z, y, x; none: as the case has it
};

}  // namespace lamina
