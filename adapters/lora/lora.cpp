// A low-rank change of linear maps.
#include "lora.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {

void LoraOptions::bind(OptionBinder& o) {
  o.field("rank", rank, "Rank of the change", AtLeast{1});
  o.field("alpha", alpha, "The change counts alpha / rank times; null: once, as in SAMed and H-SAM", AtLeast{0});
  o.field("dropout", dropout, "Share of the input that the change does not see while training", Range{0, 0.95});
  parts.bind(o);
}

void LoraOptions::check(OptionErrors& errors, const std::string& where) const {
  if (alpha && *alpha == 0) errors.add(where + ".alpha", "is 0, so nothing would change; expected a number above 0");
  parts.check(errors, where);
}

double LoraOptions::factor() const { return alpha.value_or(static_cast<double>(rank)) / static_cast<double>(rank); }

LoraUnit::LoraUnit(const LoraOptions& options, const Site& site)
    : ProjectionUnit(options.parts, site), factor_(options.factor()), dropout_(options.dropout) {
  const int64_t smaller = std::min(in_channels(), out_channels());
  if (options.rank > smaller)
    throw ConfigError(text("a rank of ", options.rank, " is no low rank for a map of ", in_channels(), " to ",
                           out_channels(), " channels; expected at most ", smaller));
  const auto linear = [&](const char* name, size_t part, int64_t in, int64_t out) {
    return register_module(named(name, part), torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false)));
  };
  for (size_t part = 0; part < changed().size(); ++part) {
    down_.push_back(linear("linear_a", part, in_channels(), options.rank));
    up_.push_back(linear("linear_b", part, options.rank, out_channels()));
    const torch::NoGradGuard no_grad;
    up_.back()->weight.zero_();
  }
}

torch::Tensor LoraUnit::change(const torch::Tensor& input, size_t part) {
  const torch::Tensor seen = dropout_ > 0 ? at::dropout(input, dropout_, is_training()) : input;
  const torch::Tensor result = up_[part]->forward(down_[part]->forward(seen));
  return factor_ == 1 ? result : result * factor_;
}

torch::Tensor LoraUnit::weight_change(size_t part) const {
  return at::mm(up_[part]->weight, down_[part]->weight) * factor_;
}

Lora::Lora(const Options& options, const AdapterContext&) : options_(options) {}

std::vector<std::string> Lora::default_sites() const { return {"encoder.**.attn.qkv"}; }

std::shared_ptr<AdapterUnit> Lora::attach(const Site& site, const HostInfo&) {
  return std::make_shared<LoraUnit>(options_, site);
}

}  // namespace lamina
