// One forward: encode, prompt, decode, and the prompter's refine rounds.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/session.hpp>
#include <lamina/nn/shape_check.hpp>

#include <c10/util/Exception.h>

namespace lamina {
namespace {

const char* room_name(Room room) {
  return room == Room::Encoder ? "encoder" : room == Room::Prompter ? "prompter" : "decoder";
}

bool sees_labels(LabelUse use, Mode mode) {
  return use == LabelUse::Oracle || (use == LabelUse::WhileTraining && mode == Mode::Train);
}

Batch without_labels(Batch batch) {
  batch.labels = {};
  batch.instances = {};
  return batch;
}

// Torch's own messages carry a stack; what a user needs is where it happened and the first sentence.
template <class Work>
auto in_room(Room room, const Work& work) {
  try {
    return work();
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(text("the ", room_name(room),
                     " ran out of device memory; a smaller train.patch or train.batch needs less. ",
                     error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    throw Error(text("the ", room_name(room), " failed: ", error.what_without_backtrace()));
  }
}

}  // namespace

// Who is running now, and whether it sees labels; undone when it ends, also by an exception.
class Session::Turn {
 public:
  Turn(Scene& scene, std::string stream, LabelUse use) : scene_(scene) {
    scene_.stream_ = std::move(stream);
    scene_.labels_visible_ = sees_labels(use, scene_.mode_);
  }
  ~Turn() {
    scene_.labels_visible_ = false;
    scene_.stream_.clear();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Scene& scene_;
};

Session::Session(Model& model, Mode mode, uint64_t seed, int64_t epoch) : model_(model), scene_(mode, seed, epoch) {}

void Session::take(Batch batch) {
  if (batch.images.empty()) throw Error("a batch without images cannot be encoded");
  const int64_t rows = batch.images.primary().size(0);
  for (const auto& [stream, image] : batch.images) {
    nn::require_shape(image, {rows, nn::kAny, nn::kAny, nn::kAny, nn::kAny}, text("image '", stream, "'"));
  }
  scene_.blind_ = without_labels(batch);
  scene_.full_ = std::move(batch);
  scene_.features = {};
  scene_.aux.clear();
  scene_.state_.clear();
  prompts_.reset();
}

void Session::begin(Room room) {
  for (const auto& adapter : model_.adapters()) adapter->begin(room, scene_);
}

void Session::encode(Batch batch) {
  take(std::move(batch));
  for (const auto& [stream, image] : scene_.blind_.images) {
    const Turn turn(scene_, stream, LabelUse::Never);
    scene_.features.set(stream, in_room(Room::Encoder, [&, &image = image] {
                          begin(Room::Encoder);
                          return model_.encoder().encode(image, model_.wanted(), scene_);
                        }));
  }
}

void Session::inject(Batch batch, Streams<Features> features) {
  take(std::move(batch));
  scene_.features = std::move(features);
}

void Session::give(Streams<Prompts> prompts) { prompts_ = std::move(prompts); }

const Streams<Prompts>& Session::prompt() {
  if (prompts_) return *prompts_;
  if (scene_.features.empty()) throw Error("there are no features yet: encode() or inject() comes before prompt()");
  const Turn turn(scene_, scene_.full_.images.begin()->first, model_.prompter().uses_labels());
  prompts_ = in_room(Room::Prompter, [&] {
    begin(Room::Prompter);
    return model_.prompter().prompt(scene_);
  });
  return *prompts_;
}

Prediction Session::decode_once() {
  const auto& prompts = prompt();
  const Turn turn(scene_, scene_.full_.images.begin()->first, model_.decoder().uses_labels());
  Prediction prediction = in_room(Room::Decoder, [&] {
    begin(Room::Decoder);
    return model_.decoder().decode(scene_, prompts);
  });
  for (const auto& [stream, output] : prediction.outputs) {
    nn::require_shape(output.classes,
                      {scene_.full_.images.primary().size(0), model_.setup().classes, nn::kAny, nn::kAny, nn::kAny},
                      text("the decoder's classes of '", stream, "'"));
  }
  return prediction;
}

Prediction Session::decode() {
  Prediction prediction = decode_once();
  for (int round = 0;; ++round) {
    std::optional<Streams<Prompts>> next;
    {
      const Turn turn(scene_, scene_.full_.images.begin()->first, model_.prompter().uses_labels());
      next = in_room(Room::Prompter, [&] { return model_.prompter().refine(*prompts_, prediction, round, scene_); });
    }
    if (!next) break;
    prompts_ = std::move(*next);
    Prediction better = decode_once();
    better.rounds = std::move(prediction.rounds);
    better.rounds.push_back(std::move(prediction.outputs));
    prediction = std::move(better);
  }
  prediction.aux.insert(scene_.aux.begin(), scene_.aux.end());
  return prediction;
}

Prediction forward(Model& model, Mode mode, Batch batch, uint64_t seed, int64_t epoch) {
  Session session(model, mode, seed, epoch);
  session.encode(std::move(batch));
  return session.decode();
}

}  // namespace lamina
