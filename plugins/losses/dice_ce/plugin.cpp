// Registers the component.
#include "dice_ce.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(loss, dice_ce, lamina::DiceCe, "1", "cross-entropy plus soft Dice with deep supervision (nnU-Net)")
LAMINA_PLUGIN(loss_dice_ce, "0.1.0", "Apache-2.0", COMPONENTS)
