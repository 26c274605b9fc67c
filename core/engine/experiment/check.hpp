// Checks of an experiment that no single option can make.
#pragma once

#include "engine/experiment/traced.hpp"

#include <lamina/options/binder.hpp>

namespace lamina::engine {

/// Sections that must be there. Adds to `errors`.
void check_sections(const Traced& root, OptionErrors& errors);
/// {"overlap": 0.25} for a component that has a default means an option of that default: writes its type in.
void fill_default_types(Traced& root);

}  // namespace lamina::engine
