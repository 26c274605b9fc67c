// The components of this plugin.
#include "lesion.hpp"

#include <lamina/plugin/descriptor.hpp>

using namespace lamina;

#define COMPONENTS(C)                                                                                \
  C(metric, lesion_tp, LesionTruePositives, "1", "Number of lesions that are found")                 \
  C(metric, lesion_fp, LesionFalsePositives, "1", "Number of lesions that are invented")             \
  C(metric, lesion_fn, LesionFalseNegatives, "1", "Number of lesions that are missed")               \
  C(metric, lesion_precision, LesionPrecision, "1", "Share of the predicted lesions that are right") \
  C(metric, lesion_recall, LesionRecall, "1", "Share of the reference's lesions that are found")     \
  C(metric, lesion_f1, LesionF1, "1", "Harmonic mean of precision and recall over lesions")          \
  C(metric, lesion_dice, LesionDice, "1", "Mean Dice of lesions, 0 for missed and invented ones")
LAMINA_PLUGIN(metric_lesion, "0.1.0", "Apache-2.0", COMPONENTS)
