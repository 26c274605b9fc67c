// A small convolutional network in front of the encoder, which may enlarge the slices (MaskSAM).
#pragma once

#include "stem.hpp"

#include <lamina/options/binder.hpp>

#include <memory>

namespace lamina {

struct ConvStemOptions {
  int64_t upsample = 1, dimensions = 3, channels = 0;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class ConvStem : public Adapter {
 public:
  using Options = ConvStemOptions;
  ConvStem(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override { return stems::image_site(); }
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
};

}  // namespace lamina
