// Promptable segmentation: an image is encoded once, then asked as often as wanted.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/session.hpp>
#include <lamina/segment/image_frame.hpp>

#include <memory>

namespace lamina {

struct PromptedMasks {
  torch::Tensor logits;   ///< [N, M, H, W] over the image; above 0 is the object
  torch::Tensor low_res;  ///< [N, M, 4g, 4g] over the square: may come back as Prompts::mask_logits
  torch::Tensor quality;  ///< [N, M], predicted IoU
};

/// Holds one image's embedding, on the model's device; what comes in and goes out lies on the CPU. The model is one
/// whose decoder makes masks for each prompt (`sam_mask` with mask_tokens sam) on a patch [1, S, S]; S is the square of
/// the frame. Not thread safe: one predictor a thread, which may share a model.
class LAMINA_API Predictor {
 public:
  /// ConfigError where the patch is no square slice.
  explicit Predictor(std::shared_ptr<Model> model, PixelNorm norm = {});

  /// rgb uint8 [3, H, W]; runs the encoder.
  void set_image(const torch::Tensor& rgb);
  /// As set_image, from an embedding [1, E, g, g] of an image of this size that was kept.
  void set_embedding(const torch::Tensor& embedding, int64_t height, int64_t width);
  /// [1, E, g, g]. Error before an image is set; so do the calls below.
  torch::Tensor embedding() const;
  const ImageFrame& frame() const;
  /// Pixels along a side of masks that come as prompts and go as low_res.
  int64_t mask_cells() const;

  /// N prompts; points [N, P, 2] with point_labels [N, P] and boxes [N, 4] in pixels of the image, mask_logits
  /// [N, 1, 4g, 4g]. With `multimask` M = 3, otherwise 1.
  PromptedMasks predict(const Prompts& prompts);
  /// The same without logits over the image.
  PromptedMasks predict_low_res(Prompts prompts);

 private:
  Session& session(const char* wanted) const;
  Batch batch(const torch::Tensor& image) const;

  std::shared_ptr<Model> model_;
  PixelNorm norm_;
  torch::Device device_;
  int64_t square_ = 0;
  ImageFrame frame_;
  std::unique_ptr<Session> session_;
};

}  // namespace lamina
