// Says who is in this plugin; the stamp and the registration are made from the one list.
#include <lamina/plugin/descriptor.hpp>

#include "my_component.hpp"

#define COMPONENTS(C) C(adapter, my_component, my_component::MyComponent, "1", "One learned factor per channel")
LAMINA_PLUGIN(my_component, "0.1.0", "Apache-2.0", COMPONENTS)
