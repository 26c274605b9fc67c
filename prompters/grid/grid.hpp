// A regular grid of points on every slice: everything is asked for, as SAM's automatic masks do.
#pragma once

#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct GridOptions {
  int64_t points = 32;
  std::optional<int64_t> class_id;
  bool multimask = true;
  void bind(OptionBinder& o);
};

/// Prompts of the regular case, N = B*D*n*n, one object point each; on a slice row by row from the top.
class Grid : public Prompter {
 public:
  using Options = GridOptions;
  Grid(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override { return {{PromptKind::Points}, options_.points * options_.points}; }
  std::vector<std::string> needs() const override { return {}; }
  Streams<Prompts> prompt(Scene& scene) override;

 private:
  Options options_;
};

}  // namespace lamina
