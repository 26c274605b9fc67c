// The components of this plugin.
#include "overlap.hpp"

#include <lamina/plugin/descriptor.hpp>

using namespace lamina;

#define COMPONENTS(C)                                                                  \
  C(metric, dice, Dice, "1", "Twice the overlap over the sum of both volumes")         \
  C(metric, iou, Iou, "1", "Overlap over union")                                       \
  C(metric, precision, Precision, "1", "Share of the predicted voxels that are right") \
  C(metric, recall, Recall, "1", "Share of the reference's voxels that are found")     \
  C(metric, volume_similarity, VolumeSimilarity, "1", "How alike both volumes are in size")
LAMINA_PLUGIN(metric_overlap, "0.1.0", "Apache-2.0", COMPONENTS)
