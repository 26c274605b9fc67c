// Stems without a neighbourhood: copies of one channel, and a linear map of several.
#pragma once

#include "stem.hpp"

#include <lamina/options/binder.hpp>

#include <memory>

#include <torch/nn/modules/conv.h>

namespace lamina {

struct RepeatOptions {
  void bind(OptionBinder& o);
};

/// One channel three times; three channels pass.
class Repeat : public Adapter {
 public:
  using Options = RepeatOptions;
  Repeat(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override { return stems::image_site(); }
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;
};

struct ProjectOptions {
  std::string init = "mean";
  void bind(OptionBinder& o);
};

/// n channels to three by a 1x1x1 convolution "conv.*".
class Project : public Adapter {
 public:
  using Options = ProjectOptions;
  Project(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override { return stems::image_site(); }
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
};

}  // namespace lamina
