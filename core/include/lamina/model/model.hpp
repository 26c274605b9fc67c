// A model as an experiment describes it: encoder, adapters, prompter, decoder.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/adapter.hpp>
#include <lamina/model/backbone.hpp>
#include <lamina/model/decoder.hpp>
#include <lamina/model/prompter.hpp>
#include <lamina/plugin/registry.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lamina {

/// What the dataset and the training section say about a model's surroundings.
struct ModelSetup {
  int64_t image_channels = 1;
  int64_t classes = 2;  ///< background included
  Size3 patch{1, 1, 1};
};

/// Who sits at a site.
struct SiteUse {
  std::string path;  ///< "encoder.stages.0.output"
  Site site;
  std::vector<std::string> adapters;  ///< ids, in the order in which they run
};

/// Parameters are encoder.*, prompter.*, decoder.*, adapters.<id>.<site>.*, where the site's dots become '/'.
class LAMINA_API Model : public torch::nn::Module {
 public:
  /// Builds in the order of docs/contributing.md: encoder, its adapters, settle, prompter, decoder, their adapters.
  /// Refuses impossible combinations with ConfigError: missing feature, prompt kind not taken, glob without a site.
  /// `section` is the experiment's "model" object.
  static std::shared_ptr<Model> build(const Registry& registry, const ConfigNode& section, const ModelSetup& setup);
  ~Model() override;

  Backbone& encoder() const { return *encoder_; }
  Prompter& prompter() const { return *prompter_; }
  Decoder& decoder() const { return *decoder_; }
  const std::vector<std::shared_ptr<Adapter>>& adapters() const { return adapters_; }
  const ModelSetup& setup() const { return setup_; }
  const NameSet& wanted() const { return wanted_; }  ///< features that somebody needs
  std::vector<FeatureSpec> features() const { return encoder_->features(); }
  std::vector<SiteUse> site_uses() const;
  /// The strongest use among prompter and decoder.
  LabelUse uses_labels() const;

  /// train() for modules that own trainable parameters, eval() for the rest (running statistics of frozen parts stay).
  void set_mode(Mode mode);

 private:
  Model() = default;
  class Builder;
  ModelSetup setup_;
  std::shared_ptr<Backbone> encoder_;
  std::vector<std::shared_ptr<Adapter>> adapters_;
  std::shared_ptr<Prompter> prompter_;
  std::shared_ptr<Decoder> decoder_;
  NameSet wanted_;
};

}  // namespace lamina
