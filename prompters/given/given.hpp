// Hands on the prompts that come with the batch: the user's own points, boxes and masks.
#pragma once

#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct GivenOptions {
  std::vector<std::string> kinds{"points", "boxes", "masks"};
  int64_t queries = 0;
  bool multimask = false;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class Given : public Prompter {
 public:
  using Options = GivenOptions;
  Given(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override;
  std::vector<std::string> needs() const override { return {}; }
  /// Error in words when a tensor has another shape, names a slice or class that is not there, or is of a kind that the
  /// option `kinds` does not announce.
  Streams<Prompts> prompt(Scene& scene) override;

 private:
  Prompts checked(Prompts prompts, const torch::Tensor& image) const;
  void check_index(const Prompts& prompts, int64_t slices) const;

  Options options_;
  int64_t classes_;
  std::optional<std::array<int64_t, 2>> mask_size_;  // y, x; where the encoder makes an image embedding
};

}  // namespace lamina
