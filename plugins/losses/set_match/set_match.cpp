// Set prediction: options, what is taken from a prediction, and the terms of the loss.
#include "set_match.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/boxes.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/objective/label_check.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {

using namespace set_match;

namespace {

constexpr const char *kMasks = "prompt.masks", *kBoxes = "prompt.boxes";
constexpr double kTinyWeight = 1e-6;

/// Instances per rank: the sum over ranks divided by their number, since gradients are averaged over ranks; at least 1.
double instances_of(const SliceTargets& targets, const LossContext& context) {
  torch::Tensor count = targets.present.sum().to(torch::kFloat32).view({1});
  if (context.all_reduce) count = context.all_reduce(count) / context.all_reduce(torch::ones_like(count));
  return std::max(1.0, count.item<double>());
}

/// Adds to the term of that name, or begins it.
void add(std::vector<LossTerm>& terms, const std::string& name, const torch::Tensor& value, double weight) {
  for (auto& term : terms) {
    if (term.name != name) continue;
    term.value = term.value + value;
    return;
  }
  terms.push_back({name, value, weight});
}

}  // namespace

void SetMatchWeights::bind(OptionBinder& o) {
  o.field("class", category, "Cross-entropy of every query's class", AtLeast{0});
  o.field("class_match", class_match, "The class in the matching; null: as class", AtLeast{0});
  o.field("mask", mask, "Binary cross-entropy of masks", AtLeast{0});
  o.field("dice", dice, "Dice of masks", AtLeast{0});
  o.field("aux_mask", aux_mask, "Binary cross-entropy of the prompter's masks", AtLeast{0});
  o.field("aux_dice", aux_dice, "Dice of the prompter's masks; null: as aux_mask", AtLeast{0});
  o.field("aux_l1", aux_l1, "Distance of the prompter's boxes", AtLeast{0});
  o.field("aux_giou", aux_giou, "Generalised overlap of the prompter's boxes", AtLeast{0});
}

void SetMatchOptions::bind(OptionBinder& o) {
  o.group("weights", weights, "What each term weighs, in the loss and in the matching");
  o.field("no_object", no_object, "Weight of queries without an instance in the class term", AtLeast{0});
  o.field("points", points, "Points per mask; 0: every pixel", AtLeast{0});
  o.field("oversample", oversample, "Candidates per point, of which the most uncertain are taken", Range{1, 100});
  o.field("importance", importance, "Share of the points that are taken by uncertainty; the others are uniform",
          Range{0, 1});
  o.field("assign", assign, "Match by least cost, or query k with class k", OneOf{"hungarian", "fixed_by_class"});
  o.field("background", background, "Background is a class like the others, or none; as the decoder's option",
          OneOf{"class", "ignore"});
  o.field("aux_mask_input", aux_mask_input,
          "What the terms of the prompter's masks take for logits: its logits, or their sigmoid (as released)",
          OneOf{"logits", "prob"});
  o.field("deep_supervision", deep_supervision, "Earlier outputs that learn too: of the decoder, or of the prompter",
          OneOf{"none", "decoder_layers", "generator_stages"});
  o.field("compat", compat, "release: as the released code does it (aux_mask_input prob), whatever that one says",
          OneOf{"repaired", "release"});
}

void SetMatchOptions::check(OptionErrors& errors, const std::string& where) const {
  const auto& w = weights;
  if (w.category > 0 || w.mask > 0 || w.dice > 0 || w.aux_mask > 0 || w.aux_l1 > 0 || w.aux_giou > 0) return;
  errors.add(where + ".weights", "all are 0: nothing is left to train on");
}

SetMatch::SetMatch(const Options& options, const LossSetup& setup)
    : options_(options),
      setup_(setup),
      background_(options.background == "ignore" ? Background::Ignore : Background::Class),
      points_{options.points, options.oversample, options.importance} {
  const auto& w = options.weights;
  costs_ = {w.class_match.value_or(w.category), w.mask,   w.dice,    w.aux_mask,
            w.aux_dice.value_or(w.aux_mask),    w.aux_l1, w.aux_giou};
  if (options.compat == "release") options_.aux_mask_input = "prob";
  if (setup.classes >= 2 || background_ == Background::Class) return;
  throw ConfigError(text("loss: 'set_match' leaves the background out, and the dataset has only ", setup.classes,
                         " class; set \"background\": \"class\""));
}

const Output& SetMatch::only_output(const Prediction& prediction) const {
  if (prediction.outputs.size() != 1) {
    throw ConfigError(
        text("loss: 'set_match' scores one stream, but the decoder hands on ", prediction.outputs.size()));
  }
  const Output& output = prediction.outputs.primary();
  if (output.query_masks.defined() && output.query_classes.defined()) return output;
  throw ConfigError(
      "loss: 'set_match' needs queries with masks and classes, and this decoder hands on none; "
      "use the decoder 'mask_classifier', or the loss 'dice_ce'");
}

int64_t SetMatch::queries_per_slice(const Output& output, int64_t slices) const {
  const int64_t rows = output.query_masks.size(0), each = rows / slices;
  const int64_t expected = setup_.classes + (background_ == Background::Class ? 1 : 0);
  nn::require_shape(output.query_masks, {rows, nn::kAny, nn::kAny}, "set_match: the queries' masks");
  nn::require_shape(output.query_classes, {rows, nn::kAny}, "set_match: the queries' classes");
  const int64_t width = output.query_classes.size(1);
  if (width != expected) {
    throw ConfigError(text("loss: 'set_match' with background: ", options_.background, " expects ", expected,
                           " scores per query (", expected - 1, " classes and \"no object\"), but the decoder gives ",
                           width, "; the option background must say the same in loss and decoder"));
  }
  bool regular = each > 0 && rows == each * slices;
  if (regular && output.image_index.defined()) {
    const torch::Tensor order = torch::arange(slices, output.image_index.options()).repeat_interleave(each);
    regular = at::equal(output.image_index, order);
  }
  if (regular) return each;
  throw ConfigError(text("loss: 'set_match' needs the same number of queries on each of the ", slices,
                         " slices, ordered by slice; the decoder hands on ", rows, " queries"));
}

torch::Tensor SetMatch::aux_masks(const Call& call, const torch::Tensor& maps, const std::string& name) const {
  const int64_t slices = call.targets.slices();
  nn::require_shape(maps, {slices * call.queries, nn::kAny, nn::kAny}, "set_match: " + name);
  const torch::Tensor folded = maps.unflatten(0, {slices, call.queries});  // [S, Q, h, w]
  return options_.aux_mask_input == "prob" ? folded.sigmoid() : folded;
}

Queries SetMatch::queries_of(const Call& call, const Output& output) const {
  const std::vector<int64_t> lead{call.targets.slices(), call.queries};
  Queries queries;
  queries.scores = output.query_classes.unflatten(0, lead);
  queries.masks = output.query_masks.unflatten(0, lead);
  const auto& aux = call.prediction.aux;
  if (const auto found = aux.find(kMasks); found != aux.end())
    queries.aux_masks = aux_masks(call, found->second, kMasks);
  if (const auto found = aux.find(kBoxes); found != aux.end()) {
    nn::require_shape(found->second, {lead[0] * lead[1], 4}, text("set_match: ", kBoxes));
    queries.aux_boxes = found->second.unflatten(0, lead);
  }
  return queries;
}

Pairs SetMatch::match(const Call& call, const Queries& queries) {
  const SliceTargets& targets = call.targets;
  if (options_.assign == "fixed_by_class") {
    if (call.queries >= targets.classes()) return match_by_class(targets);
    throw ConfigError(text("loss.assign: fixed_by_class gives query k to class k, but there are ", call.queries,
                           " queries for ", targets.classes(), " classes; give the prompter more queries"));
  }
  torch::Tensor points;
  if (points_.count > 0)
    points = random_points(targets.slices(), points_.count, targets.labels.device(), call.context.generator);
  Pairs pairs = match_hungarian(matching_costs(queries, targets, costs_, points), targets);
  if (pairs.unmatched > 0 && !warned_) {
    log_warning(text("set_match: a slice holds more classes than the ", call.queries,
                     " queries; those that fit worst get none. Give the prompter more queries"));
    warned_ = true;
  }
  return pairs;
}

torch::Tensor SetMatch::category_term(const Queries& queries, const Pairs& pairs) const {
  const int64_t none = queries.scores.size(2) - 1;
  torch::Tensor wanted = torch::full({queries.scores.size(0), queries.scores.size(1)}, none, pairs.label.options());
  wanted.index_put_({pairs.slice, pairs.query}, pairs.label);
  torch::Tensor weight = torch::ones({none + 1}, queries.scores.options().requires_grad(false));
  weight[none] = options_.no_object;
  const torch::Tensor all = wanted.flatten();  // [S*Q]
  const torch::Tensor sum = at::cross_entropy_loss(queries.scores.flatten(0, 1), all, weight, at::Reduction::Sum);
  return sum / weight.index_select(0, all).sum().clamp_min(kTinyWeight);
}

MaskTerms SetMatch::mask_terms(const Call& call, const torch::Tensor& maps, const Pairs& pairs) const {
  const SliceTargets& targets = call.targets;
  const torch::Tensor chosen = maps.index({pairs.slice, pairs.query});  // [M, h, w]
  if (chosen.size(0) == 0) return {chosen.sum(), chosen.sum()};
  torch::Tensor logits, truth, counted;
  if (points_.count > 0) {
    const torch::Tensor points = uncertain_points(chosen, pairs.slice, targets, points_, call.context.generator);
    const LabelPoints found(targets.labels, pairs.slice, points);
    logits = sample_maps(chosen.unsqueeze(1), points).squeeze(1);  // [M, N]
    truth = found.share_of(pairs.label);
    if (targets.ignores) counted = found.counted();
  } else {
    const torch::Tensor labels = targets.labels.index_select(0, pairs.slice).flatten(1);  // [M, H*W]
    logits = resized(chosen.unsqueeze(1), targets.labels.size(1), targets.labels.size(2)).flatten(1);
    truth = labels.eq(pairs.label.to(labels.scalar_type()).unsqueeze(1)).to(torch::kFloat32);
    if (targets.ignores) counted = labels.ne(kNotCounted).to(torch::kFloat32);
  }
  const MaskTerms each = pair_terms(logits, truth, counted);
  return {each.bce.sum() * call.share, each.dice.sum() * call.share};
}

void SetMatch::add_query_terms(Call& call, const Queries& queries, const Pairs& pairs,
                               const std::string& prefix) const {
  const MaskTerms masks = mask_terms(call, queries.masks, pairs);
  add(call.terms, prefix + "class", category_term(queries, pairs), options_.weights.category);
  add(call.terms, prefix + "mask", masks.bce, costs_.mask);
  add(call.terms, prefix + "dice", masks.dice, costs_.dice);
}

void SetMatch::add_aux_terms(Call& call, const Queries& queries, const Pairs& pairs) const {
  if (queries.aux_masks.defined()) {
    const MaskTerms masks = mask_terms(call, queries.aux_masks, pairs);
    add(call.terms, "aux_mask", masks.bce, costs_.aux_mask);
    add(call.terms, "aux_dice", masks.dice, costs_.aux_dice);
  }
  if (!queries.aux_boxes.defined()) return;
  const torch::Tensor boxes = queries.aux_boxes.index({pairs.slice, pairs.query});    // [M, 4]
  const torch::Tensor wanted = call.targets.boxes.index({pairs.slice, pairs.label});  // [M, 4]
  add(call.terms, "aux_l1", (boxes - wanted).abs().sum() * call.share, costs_.aux_l1);
  add(call.terms, "aux_giou", (1 - nn::generalized_box_iou(boxes, wanted)).sum() * call.share, costs_.aux_giou);
}

void SetMatch::add_decoder_stages(Call& call, const Output& output) {
  // Validation runs without gradients, and decoders may leave stages out there.
  if (output.stages.empty() && at::GradMode::is_enabled()) {
    throw ConfigError(
        "loss.deep_supervision: decoder_layers, but the decoder hands on no earlier layers; set its option "
        "deep_supervision as well");
  }
  for (const Output& stage : output.stages) {
    const Queries queries = queries_of(call, stage);
    add_query_terms(call, queries, match(call, queries), "stages_");
  }
}

void SetMatch::add_generator_stages(Call& call, const Pairs& pairs) const {
  const std::string prefix = std::string(kMasks) + ".";
  bool found = false;
  for (const auto& [name, maps] : call.prediction.aux) {
    if (!name.starts_with(prefix)) continue;
    found = true;
    const MaskTerms masks = mask_terms(call, aux_masks(call, maps, name), pairs);
    add(call.terms, "stages_aux_mask", masks.bce, costs_.aux_mask);
    add(call.terms, "stages_aux_dice", masks.dice, costs_.aux_dice);
  }
  if (found || !at::GradMode::is_enabled()) return;
  throw ConfigError(
      "loss.deep_supervision: generator_stages, but the prompter hands on no coarser masks; set its option "
      "deep_supervision as well");
}

std::vector<LossTerm> SetMatch::compute(const Prediction& prediction, const Batch& batch, const LossContext& context) {
  const Output& output = only_output(prediction);
  const torch::Tensor& labels = batch.labels.at(prediction.outputs.begin()->first);
  nn::require_shape(labels, {nn::kAny, 1, nn::kAny, nn::kAny, nn::kAny}, "set_match: the labels");
  require_known_labels(labels, batch, setup_);
  Call call{prediction, context, make_targets(labels, setup_.classes, setup_.ignore, background_)};
  call.queries = queries_per_slice(output, call.targets.slices());
  call.share = 1 / instances_of(call.targets, context);
  const Queries queries = queries_of(call, output);
  const Pairs pairs = match(call, queries);
  add_query_terms(call, queries, pairs, "");
  add_aux_terms(call, queries, pairs);
  if (options_.deep_supervision == "decoder_layers") add_decoder_stages(call, output);
  if (options_.deep_supervision == "generator_stages") add_generator_stages(call, pairs);
  return call.terms;
}

}  // namespace lamina
