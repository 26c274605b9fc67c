// Refuses names that are not there.
#include "engine/index/names.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {

std::vector<std::string> words_of(Statement statement) {
  std::vector<std::string> words;
  while (statement.step()) words.push_back(statement.text(0));
  return words;
}

void require_known(const std::string& wanted, const std::vector<std::string>& known, const std::string& what) {
  if (wanted.empty() || std::find(known.begin(), known.end(), wanted) != known.end()) return;
  throw ConfigError(text("there is no ", what, " '", wanted, "' here", did_you_mean(wanted, known),
                         known.empty() ? "" : "; there are: " + join_first(known, 20)));
}

}  // namespace lamina::engine
