// A low-rank change of linear maps whose outer factors are the same everywhere.
#include "fact.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <torch/utils.h>

namespace lamina {
namespace {

torch::nn::Linear matrix(int64_t in, int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
}

}  // namespace

void FactOptions::bind(OptionBinder& o) {
  o.field("rank", rank, "Rank of the change", AtLeast{1});
  o.field("scale", scale, "Factor on the change", Range{0.001, 100});
  o.field("dropout", dropout, "Share of the rank that is left out while training, in front of the outer factor",
          Range{0, 0.95});
  o.field("share", share, "One pair of outer factors for all sites of this entry; false: each site has its own");
  parts.bind(o);
}

void FactOptions::check(OptionErrors& errors, const std::string& where) const { parts.check(errors, where); }

void FactFactors::make(torch::nn::Module& owner, int64_t rank, int64_t in, int64_t out) {
  u = owner.register_module("FacTu", matrix(in, rank));
  v = owner.register_module("FacTv", matrix(rank, out));
  const torch::NoGradGuard no_grad;
  v->weight.zero_();
}

FactUnit::FactUnit(const FactOptions& options, const Site& site)
    : ProjectionUnit(options.parts, site), rank_(options.rank), scale_(options.scale), dropout_(options.dropout) {
  for (const auto& part : changed()) {
    const std::string name = part.empty() ? "FacTs" : part + "_FacTs";
    cores_.push_back(register_module(name, matrix(rank_, rank_)));
  }
}

void FactUnit::make_own() { factors_.make(*this, rank_, in_channels(), out_channels()); }

torch::Tensor FactUnit::change(const torch::Tensor& input, size_t part) {
  torch::Tensor middle = cores_[part]->forward(factors_.u->forward(input));  // [..., rank]
  if (dropout_ > 0) middle = at::dropout(middle, dropout_, is_training());
  const torch::Tensor result = factors_.v->forward(middle);
  return scale_ == 1 ? result : result * scale_;
}

torch::Tensor FactUnit::weight_change(size_t part) const {
  return at::mm(factors_.v->weight, at::mm(cores_[part]->weight, factors_.u->weight)) * scale_;
}

Fact::Fact(const Options& options, const AdapterContext&) : options_(options) {}

std::vector<std::string> Fact::default_sites() const { return {"encoder.**.attn.qkv"}; }

const FactFactors& Fact::shared_for(const FactUnit& unit) {
  if (!shared_.u) shared_.make(*this, options_.rank, unit.in(), unit.out());
  const int64_t in = shared_.u->weight.size(1), out = shared_.v->weight.size(0);
  if (in == unit.in() && out == unit.out()) return shared_;
  throw ConfigError(text("its outer factors are shared by maps of ", in, " to ", out, " channels, and this one maps ",
                         unit.in(), " to ", unit.out(),
                         "; give such sites an entry of their own, or set share to false"));
}

std::shared_ptr<AdapterUnit> Fact::attach(const Site& site, const HostInfo&) {
  auto unit = std::make_shared<FactUnit>(options_, site);
  if (options_.share) {
    unit->use(shared_for(*unit));
  } else {
    unit->make_own();
  }
  return unit;
}

}  // namespace lamina
