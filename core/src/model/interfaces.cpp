// Out-of-line parts of the interfaces, so that their type information exists once, in this library.
#include <lamina/model/adapter.hpp>
#include <lamina/model/backbone.hpp>
#include <lamina/model/decoder.hpp>
#include <lamina/model/inferer.hpp>
#include <lamina/model/prompter.hpp>

namespace lamina {

Backbone::~Backbone() = default;
StateDict Backbone::fit_weights(StateDict pretrained) const { return pretrained; }

AdapterUnit::~AdapterUnit() = default;
Adapter::~Adapter() = default;
void Adapter::begin(Room, Scene&) {}

Prompter::~Prompter() = default;
LabelUse Prompter::uses_labels() const { return LabelUse::Never; }
void Prompter::prepare(SupportSet&, const Runner&) {}
void Prompter::restore(const StateDict&) {}
std::optional<Streams<Prompts>> Prompter::refine(const Streams<Prompts>&, const Prediction&, int, Scene&) {
  return std::nullopt;
}

Decoder::~Decoder() = default;
LabelUse Decoder::uses_labels() const { return LabelUse::Never; }

Inferer::~Inferer() = default;

}  // namespace lamina
