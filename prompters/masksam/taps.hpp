// Which features of the encoder the generator works on, checked when the model is built.
#pragma once

#include <lamina/model/features.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina::masksam {

inline constexpr const char* kEmbedding = "embedding";
inline constexpr const char* kWho = "model.prompter: 'masksam'";

/// "all" -> every tap, "none" -> 0, "last_2" -> 2; nothing for other words.
struct SkipChoice {
  bool all = false;
  int64_t count = 0;
};
std::optional<SkipChoice> read_skips(const std::string& skips);

/// Taps in the order in which stages 1, 2, ... take them, deepest first; those beyond stages - 1 are left over. With
/// "all" and too few taps the shallowest is repeated. ConfigError when there are fewer than asked for.
std::vector<FeatureSpec> choose_taps(const std::vector<FeatureSpec>& features, const SkipChoice& skips, size_t stages,
                                     bool keep_extra);

}  // namespace lamina::masksam
