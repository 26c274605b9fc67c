// Where prompts come from.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/support.hpp>
#include <lamina/model/features.hpp>
#include <lamina/model/prediction.hpp>
#include <lamina/model/scene.hpp>
#include <lamina/nn/site.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>

namespace lamina {

struct PrompterContext {
  std::vector<FeatureSpec> features;
  int64_t classes = 2;
  int64_t image_channels = 1;
  Size3 patch{1, 1, 1};
};

/// The rest of the model, for methods that fit something before training or prediction.
struct Runner {
  std::function<Streams<Features>(Batch)> encode;
  std::function<Prediction(Batch, Streams<Features>, Streams<Prompts>)> decode;
};

class LAMINA_API Prompter : public torch::nn::Module, public SiteHost {
 public:
  static constexpr const char* kKind = "prompter";
  using Interface = Prompter;
  using Context = PrompterContext;
  ~Prompter() override;

  virtual PromptSpec produces() const = 0;
  /// Feature globs: part of the cache key, and nothing else is kept.
  virtual std::vector<std::string> needs() const = 0;
  virtual LabelUse uses_labels() const;  ///< default: Never
  /// Training-free methods; results are buffers, so a checkpoint holds them.
  virtual void prepare(SupportSet& support, const Runner& runner);
  /// Before strict loading: makes buffers of the stored shapes.
  virtual void restore(const StateDict& stored);
  virtual Streams<Prompts> prompt(Scene& scene) = 0;
  /// Set: the decoder runs again with these prompts. `round` counts from 0.
  virtual std::optional<Streams<Prompts>> refine(const Streams<Prompts>& prompts, const Prediction& prediction, int round, Scene& scene);
};

}  // namespace lamina
