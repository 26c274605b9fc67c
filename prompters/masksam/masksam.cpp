// MaskSAM's prompt generator: from the encoder's features to masks, boxes and class tokens, one set per query and
// slice.
#include "masksam.hpp"

#include "taps.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/boxes.hpp>
#include <lamina/nn/fold.hpp>

#include <algorithm>
#include <cmath>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr double kLargestLogit = 10;  // of a mask prompt
constexpr int64_t kQueryStep = 8, kFewestQueries = 8;

int64_t queries_of(const MasksamOptions& options, int64_t classes) {
  if (options.queries > 0) return options.queries;
  const int64_t wanted = std::max(kFewestQueries, 2 * classes);
  return (wanted + kQueryStep - 1) / kQueryStep * kQueryStep;
}

// How many stages, each twice as fine, lie between the embedding's grid and the patch.
int64_t most_stages(const FeatureSpec& embedding) {
  double stride = std::min(embedding.stride[1], embedding.stride[2]);
  int64_t stages = 1;
  for (; stride >= 2; stride /= 2) ++stages;
  return stages;
}

std::vector<int64_t> channels_of(const MasksamOptions& options, const FeatureSpec& embedding) {
  const int64_t most = most_stages(embedding);
  const auto given = static_cast<int64_t>(options.channels.size());
  const int64_t count = given > 0 ? given : options.stages > 0 ? options.stages : most;
  if (count > most) {
    throw ConfigError(text("model.prompter: ", count, " stages are asked for; a cell of the embedding is ",
                           embedding.stride[1], " x ", embedding.stride[2],
                           " pixels of the patch, which leaves room for ", most));
  }
  if (given > 0) return options.channels;
  const int64_t base = options.base_channels > 0 ? options.base_channels : embedding.channels;
  std::vector<int64_t> channels;
  for (int64_t stage = 0; stage < count; ++stage) channels.push_back(std::max<int64_t>(1, base >> ((stage + 1) / 2)));
  return channels;
}

// Rows and columns of the map that becomes a token of this width.
std::vector<int64_t> pool_of(const MasksamOptions& options, int64_t width) {
  if (options.pool.empty()) {
    auto rows = static_cast<int64_t>(std::sqrt(static_cast<double>(width)));
    while (width % rows != 0) --rows;
    return {rows, width / rows};
  }
  if (options.pool[0] * options.pool[1] == width) return options.pool;
  throw ConfigError(text("model.prompter.pool: ", options.pool[0], " x ", options.pool[1], " makes tokens of width ",
                         options.pool[0] * options.pool[1], ", but the embedding has ", width, " channels"));
}

MasksamOptions settled(MasksamOptions options) {
  if (options.compat == "repaired") return options;
  if (options.mask_prompt != "none") options.mask_prompt = "hard";
  options.box_grad = "none";
  return options;
}

}  // namespace

Masksam::Masksam(const Options& options, const PrompterContext& context)
    : options_(settled(options)), queries_(queries_of(options, context.classes)), patch_(context.patch) {
  const FeatureSpec& embedding = image_embedding(context.features, masksam::kWho);
  width_ = embedding.channels;
  for (const size_t axis : {1, 2})
    mask_size_.push_back(4 * std::lround(static_cast<double>(patch_[axis]) / embedding.stride[axis]));
  masksam::GeneratorPlan plan;
  plan.embedding = embedding.channels;
  plan.channels = channels_of(options_, embedding);
  plan.dimensions = options_.dimensions;
  plan.bilinear = options_.upsample == "bilinear";
  plan.shared_extra_skips = options_.extra_taps == "shared";
  for (const auto& tap : masksam::choose_taps(context.features, *masksam::read_skips(options_.skips),
                                              plan.channels.size(), options_.extra_taps != "drop")) {
    plan.taps.push_back(tap.channels);
    taps_.push_back(tap.name);
  }
  generator_ = std::make_unique<masksam::Generator>(*this, plan);
  make_heads(plan.channels, embedding.channels);
}

void Masksam::make_heads(const std::vector<int64_t>& channels, int64_t embedding) {
  // Named by stage, as a U-Net's: the finest one has the highest number.
  const auto list = register_module("image_decoder_seg_layers", std::make_shared<torch::nn::Module>("list"));
  const size_t last = channels.size() - 1, first = options_.deep_supervision ? 0 : last;
  for (size_t stage = last + 1; stage-- > first;) {
    mask_heads_.push_back(std::make_shared<nn::Conv>(nn::ConvSpec{channels[stage], queries_, {1, 1, 1}, {1, 1, 1}}));
    list->register_module(std::to_string(stage), mask_heads_.back());
    mask_heads_.back()->named_parameters()["bias"].detach().fill_(options_.mask_bias);
  }
  if (options_.box == "mean" || options_.box == "regressed") {
    box_head_ = register_module("bbox_conv", std::make_shared<masksam::BoxHead>(generator_->channels(), queries_,
                                                                                options_.box_norm == "instance"));
  }
  if (options_.class_token == "sum" || options_.class_token == "aux") {
    token_head_ = register_module(
        "residual_classifier", std::make_shared<masksam::TokenHead>(generator_->channels(), queries_,
                                                                    pool_of(options_, embedding), options_.dimensions));
  }
}

PromptSpec Masksam::produces() const {
  PromptSpec spec{{}, queries_};
  if (options_.mask_prompt != "none") spec.kinds.insert(PromptKind::Masks);
  if (options_.box != "none") spec.kinds.insert(PromptKind::Boxes);
  if (options_.class_token != "global") spec.kinds.insert(PromptKind::ClassTokens);
  return spec;
}

std::vector<std::string> Masksam::needs() const {
  std::vector<std::string> names{masksam::kEmbedding};
  for (const auto& tap : taps_) {
    if (std::find(names.begin(), names.end(), tap) == names.end()) names.push_back(tap);
  }
  return names;
}

Streams<Prompts> Masksam::prompt(Scene& scene) {
  Streams<Prompts> prompts;
  for (const auto& [stream, features] : scene.features) {
    // The first stream's names are plain.
    const std::string prefix = prompts.empty() ? "" : stream + ".";
    const torch::Tensor& image = scene.batch().images.at(stream);
    prompts.set(stream, prompt_one(features, image.size(0), image.size(2), prefix, scene.aux));
  }
  return prompts;
}

torch::Tensor Masksam::as_volume(const torch::Tensor& feature, int64_t batch, int64_t depth) const {
  // In two dimensions every slice is a volume of its own, so that no norm sees another: [B*D, C, 1, g, g]
  return options_.dimensions == 3 ? nn::unfold_depth(feature, batch, depth) : feature.unsqueeze(2);
}

Prompts Masksam::prompt_one(const Features& features, int64_t batch, int64_t depth, const std::string& prefix,
                            TensorDict& aux) {
  std::vector<torch::Tensor> taps;
  for (const auto& tap : taps_) taps.push_back(as_volume(features.at(tap), batch, depth));
  const auto stages = generator_->forward(as_volume(features.at(masksam::kEmbedding), batch, depth), taps);

  const torch::Tensor masks = masks_of(stages.back(), 0);  // [N, h, w]
  aux[prefix + "prompt.masks"] = masks;
  for (size_t coarser = 1; coarser < mask_heads_.size(); ++coarser)
    aux[text(prefix, "prompt.masks.", coarser)] = masks_of(stages[mask_heads_.size() - 1 - coarser], coarser);

  Prompts prompts;
  const auto index = masks.options().dtype(torch::kInt64);
  prompts.image_index = torch::arange(batch * depth, index).repeat_interleave(queries_);
  prompts.class_id = torch::full({masks.size(0)}, -1, index);
  if (options_.mask_prompt != "none") prompts.mask_logits = mask_prompt(masks);
  torch::Tensor boxes;
  if (box_head_) boxes = aux[prefix + "prompt.boxes"] = box_head_->forward(stages);
  if (options_.box != "none") prompts.boxes = box_prompt(masks, boxes);
  if (token_head_) prompts.class_tokens = token_head_->forward(stages);
  if (options_.class_token == "none") prompts.class_tokens = torch::zeros({masks.size(0), 1, width_}, masks.options());
  prompts.class_tokens_alone = options_.class_token == "aux" || options_.class_token == "none";
  return prompts;
}

torch::Tensor Masksam::masks_of(const torch::Tensor& stage, size_t head) {
  return masksam::rows_of_queries(mask_heads_[head]->forward(stage)).to(torch::kFloat32);
}

torch::Tensor Masksam::mask_prompt(const torch::Tensor& masks) const {
  const torch::Tensor rows = masks.unsqueeze(1);  // [N, 1, h, w]
  if (options_.mask_prompt == "hard") return at::upsample_nearest2d(rows.gt(0).to(rows.dtype()), mask_size_);
  const torch::Tensor logits =
      (options_.mask_prompt == "soft" ? rows : rows.detach()).clamp(-kLargestLogit, kLargestLogit);
  return logits.sizes().slice(2) == mask_size_ ? logits : at::upsample_bilinear2d(logits, mask_size_, false);
}

torch::Tensor Masksam::box_prompt(const torch::Tensor& masks, const torch::Tensor& regressed) const {
  torch::Tensor boxes = regressed;
  if (options_.box != "regressed") boxes = nn::boxes_of_masks(masks.detach().gt(0));
  if (options_.box == "mean") boxes = 0.5 * (boxes + regressed.detach());
  const auto width = static_cast<float>(patch_[2]), height = static_cast<float>(patch_[1]);
  const torch::Tensor extent = torch::tensor({width, height, width, height}, masks.options());
  torch::Tensor pixels = (boxes * extent).detach();
  if (options_.compat == "release") pixels = pixels.floor();
  if (options_.box_grad == "none") return pixels;
  const torch::Tensor bearer = regressed * extent;  // straight through: its gradient, the other's value
  return bearer + (pixels - bearer).detach();
}

}  // namespace lamina
