// Prompts that are parameters: the same for every slice of every case.
#pragma once

#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

#include <string>
#include <vector>

namespace lamina {

struct LearnedOptions {
  int64_t queries = 8, tokens = 0;
  bool boxes = true, class_tokens = false;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// Parameters "boxes" [Q, 4] (their sigmoids are x1, y1 and the parts of what remains to the right and below, so boxes
/// are always valid), "sparse" [Q, S, E], "class_tokens" [Q, 1, E]. Prompts of the regular case: N = B*D*Q.
class Learned : public Prompter {
 public:
  using Options = LearnedOptions;
  Learned(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override;
  std::vector<std::string> needs() const override { return {}; }
  Streams<Prompts> prompt(Scene& scene) override;

 private:
  torch::Tensor pixels() const;

  int64_t queries_;
  Size3 patch_;
  torch::Tensor boxes_, sparse_, class_tokens_;  // undefined: not learned
};

}  // namespace lamina
