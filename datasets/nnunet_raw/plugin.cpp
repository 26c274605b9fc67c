// nnU-Net's raw folders as a plugin.
#include "nnunet_raw.hpp"

#include <lamina/plugin/descriptor.hpp>

#define COMPONENTS(C) \
  C(dataset, nnunet_raw, lamina::NnunetRaw, "1", "A folder in nnU-Net's raw layout: dataset.json, imagesTr, labelsTr")
LAMINA_PLUGIN(dataset_nnunet_raw, "0.1.0", "Apache-2.0", COMPONENTS)
