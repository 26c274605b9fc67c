// All verbs: those of the program itself, and those of liblamina_verbs.so, which is opened when they are needed.
#pragma once

#include "verb.hpp"

namespace lamina::cli {

/// Opens the library of heavy verbs, and torch with it. PluginError when that is impossible.
const std::vector<Verb>& heavy_verbs();
/// Light and heavy ones; only the light ones, with a warning, where the library cannot be opened.
std::vector<Verb> all_verbs();

Verb list_verb();
Verb plugin_new_verb();
Verb completion_verb();

}  // namespace lamina::cli
