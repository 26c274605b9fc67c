// Points on what the label shows in each slice, and rounds of clicks where the decoder's mask is wrong.
#pragma once

#include <lamina/data/label_objects.hpp>
#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct LabelPointsOptions {
  std::vector<int64_t> classes;
  int64_t positive = 1, negative = 0, min_area = 1, rounds = 0;
  std::string where = "random";
  bool feed_logits = true, multimask = false;
  void bind(OptionBinder& o);
};

/// Ragged prompts: one for each class in each slice where the label shows it, ordered by slice and class. Its points
/// are `positive` ones on the label, then `negative` ones around it; where there are fewer pixels, label -1 fills up.
/// Each round adds one point per prompt (-1 where its mask is right already) and hands the best mask's logits back.
class LabelPoints : public Prompter {
 public:
  using Options = LabelPointsOptions;
  LabelPoints(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override;
  std::vector<std::string> needs() const override { return {}; }
  LabelUse uses_labels() const override { return LabelUse::Oracle; }
  Streams<Prompts> prompt(Scene& scene) override;
  std::optional<Streams<Prompts>> refine(const Streams<Prompts>& prompts, const Prediction& prediction, int round,
                                         Scene& scene) override;

 private:
  /// What a prompt asks for.
  struct Target {
    int64_t slice, class_id;
  };

  Prompts points_of(const std::string& stream, const Scene& scene) const;
  Prompts clicked(const Prompts& before, const Output& output, int round, const std::string& stream,
                  const Scene& scene) const;
  std::optional<Random> draws(const Target& target, int64_t depth, int round, const std::string& stream,
                              const Scene& scene) const;

  Options options_;
  ObjectRules rules_;
  std::optional<std::array<int64_t, 2>> mask_size_;  // y, x; where the encoder makes an image embedding
};

}  // namespace lamina
