// Registers the component.
#include "grid.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) C(prompter, grid, lamina::Grid, "1", "a regular grid of points on every slice")
LAMINA_PLUGIN(prompter_grid, "0.1.0", "Apache-2.0", COMPONENTS)
