// A low-rank change of linear maps (Hu et al., arXiv 2106.09685), as SAMed and H-SAM put it on q and v.
#pragma once

#include <lamina/model/projection_unit.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

namespace lamina {

struct LoraOptions {
  int64_t rank = 4;
  std::optional<double> alpha;
  double dropout = 0;
  ProjectionParts parts;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
  double factor() const;  ///< alpha / rank
};

/// output + alpha / rank * B A drop(input) on every chosen part. A [rank, in] starts as torch's linear maps do, B [out,
/// rank] at 0. Parameters "linear_a_q", "linear_b_q", ...; "linear_a", "linear_b" where the map is not fused.
class LoraUnit : public ProjectionUnit {
 public:
  LoraUnit(const LoraOptions& options, const Site& site);

 private:
  torch::Tensor change(const torch::Tensor& input, size_t part) override;
  torch::Tensor weight_change(size_t part) const override;

  double factor_, dropout_;
  std::vector<torch::nn::Linear> down_, up_;
};

class Lora : public Adapter {
 public:
  using Options = LoraOptions;
  Lora(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  Options options_;
};

}  // namespace lamina
