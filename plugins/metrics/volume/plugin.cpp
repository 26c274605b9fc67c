// The components of this plugin.
#include "volume.hpp"

#include <lamina/plugin/descriptor.hpp>

using namespace lamina;

#define COMPONENTS(C)                                                                       \
  C(metric, volume, ClassVolume, "1", "Volume in ml of the prediction or of the reference") \
  C(metric, volume_difference, VolumeDifference, "1", "Difference of both volumes in ml")   \
  C(metric, relative_volume_difference, RelativeVolumeDifference, "1",                      \
    "Difference of both volumes over the reference's")
LAMINA_PLUGIN(metric_volume, "0.1.0", "Apache-2.0", COMPONENTS)
