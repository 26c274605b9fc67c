// No prompts: one empty entry per stream.
#include "none.hpp"

namespace lamina {

void NoneOptions::bind(OptionBinder&) {}

None::None(const Options&, const PrompterContext&) {}

Streams<Prompts> None::prompt(Scene& scene) {
  Streams<Prompts> prompts;
  for (const auto& [stream, features] : scene.features) prompts.set(stream, Prompts{});
  return prompts;
}

}  // namespace lamina
