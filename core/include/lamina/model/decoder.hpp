// From features and prompts to classes.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/prompts.hpp>
#include <lamina/model/features.hpp>
#include <lamina/model/prediction.hpp>
#include <lamina/model/scene.hpp>
#include <lamina/nn/site.hpp>

#include <string>
#include <vector>

#include <torch/nn/module.h>

namespace lamina {

struct DecoderContext {
  std::vector<FeatureSpec> features;
  PromptSpec prompts;
  int64_t classes = 2;  ///< background included
  Size3 patch{1, 1, 1};
};

class LAMINA_API Decoder : public torch::nn::Module, public SiteHost {
 public:
  static constexpr const char* kKind = "decoder";
  using Interface = Decoder;
  using Context = DecoderContext;
  ~Decoder() override;

  /// Prompts it does not take are a build error.
  virtual PromptKinds accepts() const = 0;
  /// Feature globs.
  virtual std::vector<std::string> needs() const = 0;
  virtual LabelUse uses_labels() const;  ///< default: Never
  virtual Prediction decode(Scene& scene, const Streams<Prompts>& prompts) = 0;
};

}  // namespace lamina
