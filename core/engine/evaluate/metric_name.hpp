// Names of metrics in tables.
#pragma once

#include <lamina/plugin/registry.hpp>

#include <string>

namespace lamina::engine {

/// The entry's id, or its type with lengths ("nsd@1mm") and with the options that are not the default ("hd95_pooled").
std::string metric_name(const ConfigNode& entry, const Registry& registry);

}  // namespace lamina::engine
