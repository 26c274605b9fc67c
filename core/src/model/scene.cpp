// Everything that one forward knows.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/scene.hpp>

namespace lamina {

Scene::Scene(Mode mode, uint64_t seed, int64_t epoch) : mode_(mode), seed_(seed), epoch_(epoch) {}

const Batch& Scene::batch() const { return labels_visible_ ? full_ : blind_; }

Random Scene::random(int64_t row) const {
  const auto& samples = full_.sample;
  if (row < 0 || (!samples.empty() && row >= static_cast<int64_t>(samples.size()))) {
    throw Error(text("row ", row, " of a batch with ", samples.size(), " samples has no random stream"));
  }
  const int64_t sample = samples.empty() ? row : samples[static_cast<size_t>(row)];
  return Random(seed_, {static_cast<uint64_t>(epoch_), static_cast<uint64_t>(sample)});
}

}  // namespace lamina
