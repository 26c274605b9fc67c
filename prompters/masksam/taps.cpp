// Which features of the encoder the generator works on, checked when the model is built.
#include "taps.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace lamina::masksam {
namespace {

constexpr std::string_view kTap = "tap.", kLast = "last_";

std::optional<int64_t> read_number(std::string_view digits) {
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::string names_of(const std::vector<FeatureSpec>& features) {
  std::vector<std::string> names;
  for (const FeatureSpec& spec : features) names.push_back(spec.name);
  return names.empty() ? "none" : join(names);
}

// Deepest first: the encoder lists its features in the order in which it makes them.
std::vector<FeatureSpec> taps_of(const std::vector<FeatureSpec>& features) {
  std::vector<FeatureSpec> taps;
  for (const FeatureSpec& spec : features) {
    if (spec.name.starts_with(kTap)) taps.insert(taps.begin(), spec);
  }
  return taps;
}

}  // namespace

std::optional<SkipChoice> read_skips(const std::string& skips) {
  if (skips == "all") return SkipChoice{true, 0};
  if (skips == "none") return SkipChoice{false, 0};
  if (!skips.starts_with(kLast)) return std::nullopt;
  const auto count = read_number(std::string_view(skips).substr(kLast.size()));
  if (!count || *count < 1) return std::nullopt;
  return SkipChoice{false, *count};
}

std::vector<FeatureSpec> choose_taps(const std::vector<FeatureSpec>& features, const SkipChoice& skips, size_t stages,
                                     bool keep_extra) {
  if ((!skips.all && skips.count == 0) || stages == 1) return {};
  std::vector<FeatureSpec> taps = taps_of(features);
  const auto available = static_cast<int64_t>(taps.size());
  if (available == 0 || skips.count > available) {
    throw ConfigError(text("model.prompter.skips: ", skips.all ? "takes taps" : text("asks for ", skips.count, " taps"),
                           ", but the encoder has ", available, " (outputs of global-attention blocks); it offers ",
                           names_of(features), ". Take ", available == 0 ? "none" : text("last_", available)));
  }
  const FeatureSpec& embedding = image_embedding(features, kWho);
  for (const FeatureSpec& tap : taps) {
    if (tap.folded && tap.stride == embedding.stride) continue;
    throw ConfigError(text("model.prompter: masksam needs taps on the embedding's grid; '", tap.name,
                           "' has another. Set skips to none"));
  }
  const size_t wanted = skips.all ? taps.size() : static_cast<size_t>(skips.count);
  taps.resize(keep_extra ? wanted : std::min(wanted, stages - 1));
  while (skips.all && taps.size() < stages - 1) taps.push_back(taps.back());
  return taps;
}

}  // namespace lamina::masksam
