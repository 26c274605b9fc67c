// Stems without a neighbourhood: copies of one channel, and a linear map of several.
#include "simple_stems.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

class RepeatUnit : public stems::Unit {
 public:
  explicit RepeatUnit(const Site& site) : Unit(site, 1) {
    if (channels() == 1 || channels() == stems::kColours) return;
    throw ConfigError(text("repeat copies one channel; this dataset has ", channels(),
                           ". The adapters project and conv_stem mix several"));
  }

 private:
  torch::Tensor forward(const torch::Tensor& image) override { return image.expand({-1, stems::kColours, -1, -1, -1}); }
};

class ProjectUnit : public stems::Unit {
 public:
  ProjectUnit(const ProjectOptions& options, const Site& site) : Unit(site, 1) {
    conv_ = register_module("conv", torch::nn::Conv3d(torch::nn::Conv3dOptions(channels(), stems::kColours, 1)));
    if (options.init != "mean") return;
    const torch::NoGradGuard no_grad;
    conv_->weight.fill_(1.0 / static_cast<double>(channels()));
    conv_->bias.zero_();
  }

 private:
  torch::Tensor forward(const torch::Tensor& image) override { return conv_->forward(image); }

  torch::nn::Conv3d conv_{nullptr};
};

}  // namespace

void RepeatOptions::bind(OptionBinder&) {}

Repeat::Repeat(const Options&, const AdapterContext&) {}

std::shared_ptr<AdapterUnit> Repeat::attach(const Site& site, const HostInfo&) {
  return std::make_shared<RepeatUnit>(site);
}

void ProjectOptions::bind(OptionBinder& o) {
  o.field("init", init, "mean: all three start as the mean of the channels; default: torch's own",
          OneOf{"mean", "default"});
}

Project::Project(const Options& options, const AdapterContext&) : options_(options) {}

std::shared_ptr<AdapterUnit> Project::attach(const Site& site, const HostInfo&) {
  return std::make_shared<ProjectUnit>(options_, site);
}

}  // namespace lamina
