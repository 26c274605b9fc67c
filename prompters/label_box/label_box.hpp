// Boxes around what the label shows in each slice.
#pragma once

#include <lamina/data/label_objects.hpp>
#include <lamina/model/prompter.hpp>
#include <lamina/options/binder.hpp>

#include <array>
#include <string>
#include <vector>

namespace lamina {

struct LabelBoxOptions {
  std::vector<int64_t> classes;
  std::string per = "class";
  int64_t min_area = 1;
  double margin = 0, jitter = 0;
  std::string jitter_unit = "pixels";
  bool jitter_at_prediction = false;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// Ragged prompts: one box per object of the label, ordered by slice, class and object. As SAM has it, a box is the
/// first and the last column and row that it touches, so that of a single pixel has no extent.
class LabelBox : public Prompter {
 public:
  using Options = LabelBoxOptions;
  LabelBox(const Options& options, const PrompterContext& context);

  PromptSpec produces() const override { return {{PromptKind::Boxes}, 0}; }
  std::vector<std::string> needs() const override { return {}; }
  LabelUse uses_labels() const override { return LabelUse::Oracle; }
  Streams<Prompts> prompt(Scene& scene) override;

 private:
  using Corners = std::array<double, 4>;  // x1 y1 x2 y2

  Prompts boxes_of(const std::string& stream, const Scene& scene) const;
  Corners moved(Corners box, const Region& region, Random random) const;

  Options options_;
  ObjectRules rules_;
};

}  // namespace lamina
