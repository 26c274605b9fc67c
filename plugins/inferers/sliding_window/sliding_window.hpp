// Overlapping patches over a whole case, averaged with weights that fall off towards the patch's border.
#pragma once

#include <lamina/model/inferer.hpp>
#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct SlidingWindowOptions {
  double overlap = 0.5;
  std::string weights = "gaussian", average = "scores", tta = "none";
  bool unit_range = false;
  std::vector<std::string> axes;
  std::optional<int64_t> batch;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

class SlidingWindow : public Inferer {
 public:
  using Options = SlidingWindowOptions;
  SlidingWindow(const Options& options, const InfererContext& context);

  void run(const Case& one, const std::function<Prediction(Batch)>& forward, SlabSink& sink,
           const std::function<void(int64_t done, int64_t total)>& tick) const override;
  int64_t peak_bytes(const Case& one) const override;

 private:
  Options options_;
  InfererContext context_;
  int64_t batch_;
  std::vector<std::vector<int64_t>> flips_;  // dimensions of [B, C, D, H, W] to mirror, one list per forward
};

}  // namespace lamina
