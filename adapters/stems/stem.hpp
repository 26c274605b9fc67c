// What all stems have in common: they turn the dataset's channels into the three that SAM's patch embedding takes.
#pragma once

#include <lamina/model/adapter.hpp>

#include <string>
#include <vector>

namespace lamina::stems {

/// SAM was trained on colour photographs.
inline constexpr int64_t kColours = 3;

/// Sits at encoder.image and replaces the image: [B, n, D, H, W] -> [B, 3, D, factor*H, factor*W].
class Unit : public AdapterUnit {
 public:
  /// Throws ConfigError when the site is no volume stream.
  Unit(const Site& site, int64_t factor);
  torch::Tensor apply(const SiteCall& call) final;
  /// ConfigError when another stem came before.
  Shape reshape(Shape in) const final;

 protected:
  int64_t channels() const { return channels_; }
  virtual torch::Tensor forward(const torch::Tensor& image) = 0;

 private:
  int64_t channels_, factor_;
};

/// The site where stems belong.
std::vector<std::string> image_site();

}  // namespace lamina::stems
