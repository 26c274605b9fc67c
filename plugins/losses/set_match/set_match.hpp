// Set prediction: every query is a mask with a class; queries are matched with what is in a slice and learn from that.
#pragma once

#include "matching.hpp"

#include <lamina/objective/loss.hpp>
#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct SetMatchWeights {
  double category = 0.2, mask = 1.5, dice = 1.5, aux_mask = 0.5, aux_l1 = 0.5, aux_giou = 0.2;
  std::optional<double> class_match, aux_dice;
  void bind(OptionBinder& o);
};

struct SetMatchOptions {
  SetMatchWeights weights;
  double no_object = 0.1, oversample = 2, importance = 0.75;
  int64_t points = 0;
  std::string assign = "hungarian", background = "class", aux_mask_input = "logits", deep_supervision = "none";
  std::string compat = "repaired";
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// MaskSAM's loss, in the line of MaskFormer: the sum over matched pairs is divided by the number of instances.
class SetMatch : public Loss {
 public:
  using Options = SetMatchOptions;
  SetMatch(const Options& options, const LossSetup& setup);
  std::vector<LossTerm> compute(const Prediction& prediction, const Batch& batch, const LossContext& context) override;

 private:
  /// What one call works on.
  struct Call {
    const Prediction& prediction;
    const LossContext& context;
    set_match::SliceTargets targets;
    int64_t queries = 0;  // per slice
    double share = 1;     // 1 / number of instances
    std::vector<LossTerm> terms = {};
  };

  const Output& only_output(const Prediction& prediction) const;
  int64_t queries_per_slice(const Output& output, int64_t slices) const;
  torch::Tensor aux_masks(const Call& call, const torch::Tensor& maps, const std::string& name) const;
  set_match::Queries queries_of(const Call& call, const Output& output) const;
  set_match::Pairs match(const Call& call, const set_match::Queries& queries);
  torch::Tensor category_term(const set_match::Queries& queries, const set_match::Pairs& pairs) const;
  set_match::MaskTerms mask_terms(const Call& call, const torch::Tensor& maps, const set_match::Pairs& pairs) const;
  void add_query_terms(Call& call, const set_match::Queries& queries, const set_match::Pairs& pairs,
                       const std::string& prefix) const;
  void add_aux_terms(Call& call, const set_match::Queries& queries, const set_match::Pairs& pairs) const;
  void add_decoder_stages(Call& call, const Output& output);
  void add_generator_stages(Call& call, const set_match::Pairs& pairs) const;

  Options options_;
  LossSetup setup_;
  set_match::Background background_;
  set_match::CostWeights costs_;
  set_match::PointRule points_;
  bool warned_ = false;
};

}  // namespace lamina
