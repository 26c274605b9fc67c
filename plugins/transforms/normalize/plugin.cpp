// Registers the components.
#include "clip_range.hpp"
#include "ct_clip_zscore.hpp"
#include "percentile_clip.hpp"
#include "zscore.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C)                                                                          \
  C(transform, clip_range, lamina::ClipRange, "1", "a fixed window of values scaled to 0..1")  \
  C(transform, zscore, lamina::Zscore, "1", "mean 0 and standard deviation 1 for every image") \
  C(transform, ct_clip_zscore, lamina::CtClipZscore, "1",                                      \
    "CT window and scale from the foreground of the training set")                             \
  C(transform, percentile_clip, lamina::PercentileClip, "1",                                   \
    "every image clipped to its percentiles and scaled to 0..1")
LAMINA_PLUGIN(transform_normalize, "0.1.0", "Apache-2.0", COMPONENTS)
