// The components of this plugin.
#include "surface.hpp"

#include <lamina/plugin/descriptor.hpp>

using namespace lamina;

#define COMPONENTS(C)                                                                                    \
  C(metric, hd, Hausdorff, "1", "Hausdorff distance: the largest distance between both surfaces")        \
  C(metric, hd95, Hausdorff95, "1", "95th percentile of the distances between both surfaces")            \
  C(metric, nsd, SurfaceDice, "1", "Normalised surface Dice: share of both surfaces within a tolerance") \
  C(metric, assd, AverageSurfaceDistance, "1", "Average distance over the voxels of both borders")       \
  C(metric, masd, MeanAverageSurfaceDistance, "1", "Mean of the two directed average distances")
LAMINA_PLUGIN(metric_surface, "0.1.0", "Apache-2.0", COMPONENTS)
