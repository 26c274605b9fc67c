#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/mask_prompt_size.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/segment/predictor.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr const char* kEmbedding = "embedding";

int64_t rows_of_prompts(const Prompts& prompts) {
  for (const auto* tensor : {&prompts.points, &prompts.boxes, &prompts.mask_logits}) {
    if (tensor->defined()) return tensor->size(0);
  }
  throw Error("there is no prompt; expected points, boxes or masks");
}

torch::Device device_of_model(const Model& model) {
  const auto parameters = model.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

/// Prompts [first, first + count), on the device.
Prompts part_of(Prompts prompts, int64_t first, int64_t count, const torch::Device& device) {
  for (auto* tensor :
       {&prompts.image_index, &prompts.points, &prompts.point_labels, &prompts.boxes, &prompts.mask_logits}) {
    if (tensor->defined()) *tensor = tensor->narrow(0, first, count).to(device);
  }
  return prompts;
}

/// On the CPU more of them leave the caches and ask the system for fresh memory again and again.
int64_t prompts_at_once(const torch::Device& device, int64_t count) {
  constexpr int64_t kMostOnCpu = 4;
  return device.is_cpu() ? std::min(count, kMostOnCpu) : count;
}

}  // namespace

Predictor::Predictor(std::shared_ptr<Model> model, PixelNorm norm)
    : model_(std::move(model)), norm_(norm), device_(device_of_model(*model_)) {
  const Size3 patch = model_->setup().patch;
  if (patch[0] != 1 || patch[1] != patch[2]) {
    throw ConfigError(text("a predictor works on single square slices; the model's patch is [", join(patch),
                           "], expected [1, S, S]"));
  }
  image_embedding(model_->features(), "a predictor");  // refuses an encoder that makes none
  square_ = patch[1];
  model_->set_mode(Mode::Infer);
}

Batch Predictor::batch(const torch::Tensor& image) const {
  Batch batch;
  batch.images = Streams<torch::Tensor>(image);
  batch.ids = {"image"};
  batch.geometry = {Geometry{}};
  batch.valid = {{{0, 0, 0}, {1, frame_.inside()[0], frame_.inside()[1]}}};
  batch.sample = {0};
  return batch;
}

void Predictor::set_image(const torch::Tensor& rgb) {
  const torch::NoGradGuard no_grad;
  nn::require_shape(rgb, {3, nn::kAny, nn::kAny}, "an image (red, green, blue)");
  frame_ = ImageFrame(rgb.size(1), rgb.size(2), square_);
  session_ = std::make_unique<Session>(*model_, Mode::Infer);
  session_->encode(batch(frame_.image(rgb, norm_).to(device_)));
}

void Predictor::set_embedding(const torch::Tensor& embedding, int64_t height, int64_t width) {
  const FeatureSpec spec = image_embedding(model_->features(), "a predictor");
  const int64_t cells = std::lround(static_cast<double>(square_) / spec.stride[1]);
  nn::require_shape(embedding, {1, spec.channels, cells, cells}, "the image embedding");
  frame_ = ImageFrame(height, width, square_);
  Features features;
  features.set(kEmbedding, embedding.to(device_, torch::kFloat32));
  // The decoder asks the image for its size alone.
  const torch::Tensor blank =
      torch::zeros({1}, device_).expand({1, model_->setup().image_channels, 1, square_, square_});
  session_ = std::make_unique<Session>(*model_, Mode::Infer);
  session_->inject(batch(blank), Streams<Features>(features));
}

Session& Predictor::session(const char* wanted) const {
  if (!session_) throw Error(text(wanted, " needs an image: set_image() or set_embedding() comes first"));
  return *session_;
}

torch::Tensor Predictor::embedding() const {
  return session("embedding()").scene().features.primary().at(kEmbedding).cpu();
}

const ImageFrame& Predictor::frame() const {
  session("frame()");
  return frame_;
}

int64_t Predictor::mask_cells() const { return (*mask_prompt_size(model_->features(), model_->setup().patch))[0]; }

PromptedMasks Predictor::predict_low_res(Prompts prompts) {
  const torch::NoGradGuard no_grad;
  Session& session = this->session("predict()");
  const int64_t count = rows_of_prompts(prompts);
  prompts.image_index = at::zeros({count}, torch::kInt64);
  if (prompts.points.defined()) prompts.points = frame_.positions(prompts.points);
  if (prompts.boxes.defined()) {
    nn::require_shape(prompts.boxes, {count, 4}, "boxes (x1, y1, x2, y2)");
    prompts.boxes = frame_.positions(prompts.boxes.view({count, 2, 2})).view({count, 4});
  }
  const int64_t step = std::max<int64_t>(1, prompts_at_once(device_, count));
  std::vector<torch::Tensor> low_res, quality;
  for (int64_t first = 0; first == 0 || first < count; first += step) {
    session.give(Streams<Prompts>(part_of(prompts, first, std::min(step, count - first), device_)));
    const Prediction prediction = session.decode();
    const Output& output = prediction.outputs.primary();
    if (!output.low_res.defined() || !output.quality.defined()) {
      throw ConfigError(
          "the model's decoder makes no masks for prompts; expected the decoder 'sam_mask' with mask_tokens sam");
    }
    low_res.push_back(output.low_res.cpu());
    quality.push_back(output.quality.cpu());
  }
  return {{}, at::cat(low_res), at::cat(quality)};
}

PromptedMasks Predictor::predict(const Prompts& prompts) {
  PromptedMasks masks = predict_low_res(prompts);
  const torch::NoGradGuard no_grad;
  masks.logits = frame_.masks(masks.low_res);
  return masks;
}

}  // namespace lamina
