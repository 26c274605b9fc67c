// No prompts: for decoders that work on features alone, or with their own "no prompt" embeddings.
#pragma once

#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

namespace lamina {

struct NoneOptions {
  void bind(OptionBinder& o);
};

class None : public Prompter {
 public:
  using Options = NoneOptions;
  None(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override { return {}; }
  std::vector<std::string> needs() const override { return {}; }
  Streams<Prompts> prompt(Scene& scene) override;
};

}  // namespace lamina
