// A low-rank change of linear maps whose outer factors are the same everywhere (FacT-TT, Jie and Deng, AAAI 2023), as
// MA-SAM puts it on q and v.
#pragma once

#include <lamina/model/projection_unit.hpp>

#include <memory>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

namespace lamina {

struct FactOptions {
  int64_t rank = 32;
  double scale = 1, dropout = 0.1;
  bool share = true;
  ProjectionParts parts;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

/// The outer factors U [rank, in], which starts as torch's linear maps do, and V [out, rank], which starts at 0.
struct FactFactors {
  torch::nn::Linear u{nullptr}, v{nullptr};
  /// Registers them in `owner` as "FacTu" and "FacTv".
  void make(torch::nn::Module& owner, int64_t rank, int64_t in, int64_t out);
};

/// output + scale * V drop(S U input) on every chosen part; each part of each map has its own core S [rank, rank]:
/// "q_FacTs", "v_FacTs", or "FacTs" where the map is not fused.
class FactUnit : public ProjectionUnit {
 public:
  FactUnit(const FactOptions& options, const Site& site);
  /// Before the first forward: factors that somebody else owns, or some of its own.
  void use(const FactFactors& factors) { factors_ = factors; }
  void make_own();
  int64_t in() const { return in_channels(); }
  int64_t out() const { return out_channels(); }

 private:
  torch::Tensor change(const torch::Tensor& input, size_t part) override;
  torch::Tensor weight_change(size_t part) const override;

  int64_t rank_;
  double scale_, dropout_;
  FactFactors factors_;
  std::vector<torch::nn::Linear> cores_;
};

class Fact : public Adapter {
 public:
  using Options = FactOptions;
  Fact(const Options& options, const AdapterContext& context);
  std::vector<std::string> default_sites() const override;
  std::shared_ptr<AdapterUnit> attach(const Site& site, const HostInfo& host) override;

 private:
  /// ConfigError where the map is of another size than that of the first site.
  const FactFactors& shared_for(const FactUnit& unit);

  Options options_;
  FactFactors shared_;  // made at the first site
};

}  // namespace lamina
