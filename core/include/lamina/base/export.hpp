// Marks what crosses the boundary between lamina's libraries and plugins; everything else is hidden.
#pragma once

#define LAMINA_API __attribute__((visibility("default")))
