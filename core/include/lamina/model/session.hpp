// One forward. The embedding cache, "set image once", click rounds and a server are all this one object.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/model.hpp>

namespace lamina {

class LAMINA_API Session {
 public:
  Session(Model& model, Mode mode, uint64_t seed = 0, int64_t epoch = 0);

  /// Owns the batch from here on.
  void encode(Batch batch);
  /// Features from memory or disk: the encoder does not run.
  void inject(Batch batch, Streams<Features> features);
  /// The next click; features stay.
  void give(Streams<Prompts> prompts);
  const Streams<Prompts>& prompt();
  /// With the prompter's refine rounds.
  Prediction decode();
  Scene& scene() { return scene_; }

 private:
  class Turn;  // who is running now, and whether it sees labels
  void take(Batch batch);
  void begin(Room room);
  Prediction decode_once();

  Model& model_;
  Scene scene_;
  std::optional<Streams<Prompts>> prompts_;
};

/// encode, prompt, decode in one call.
LAMINA_API Prediction forward(Model& model, Mode mode, Batch batch, uint64_t seed = 0, int64_t epoch = 0);

}  // namespace lamina
