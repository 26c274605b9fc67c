// Everything that one forward knows. Components read and write it, so a new need is a new field, not a new signature.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/base/random.hpp>
#include <lamina/data/batch.hpp>
#include <lamina/model/features.hpp>

#include <any>
#include <map>
#include <string>
#include <string_view>
#include <typeinfo>

namespace lamina {

enum class Mode { Train, Infer };
enum class Room { Encoder, Prompter, Decoder };
/// Oracle: also at prediction, and every report says "uses ground truth".
enum class LabelUse { Never, WhileTraining, Oracle };

class LAMINA_API Scene {
 public:
  explicit Scene(Mode mode, uint64_t seed = 0, int64_t epoch = 0);

  /// Labels are empty unless the running component declared that it uses them.
  const Batch& batch() const;
  Mode mode() const { return mode_; }
  bool training() const { return mode_ == Mode::Train; }
  /// The stream that is being encoded now.
  std::string_view stream() const { return stream_; }
  /// A random stream for a row of the batch: f(seed, epoch, global sample index).
  Random random(int64_t row) const;

  Streams<Features> features;
  TensorDict aux;  ///< named tensors offered to losses, reports and `forward` ("prompt.masks")

  /// Per-forward, per-stream scratch of a component; made on first use.
  template <class T>
  T& state(const void* owner) {
    std::any& slot = state_[{owner, std::string(stream_)}];
    if (!slot.has_value()) slot = T{};
    return std::any_cast<T&>(slot);
  }

 private:
  friend class Session;
  Mode mode_;
  uint64_t seed_;
  int64_t epoch_;
  Batch full_, blind_;          // the same handles with and without labels
  bool labels_visible_ = false;
  std::string stream_;
  std::map<std::pair<const void*, std::string>, std::any> state_;
};

}  // namespace lamina
