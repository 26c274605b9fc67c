// The one C symbol of a plugin, and the macro that makes it.
//
//   #define COMPONENTS(C) C(adapter, depth_conv, DepthConv, "1", "3D depth-convolution bottleneck (MaskSAM)")
//   LAMINA_PLUGIN(depth_conv, "0.1.0", "Apache-2.0", COMPONENTS)
//
// The list is expanded twice, into the stamp and into the registration, so the two cannot differ.
#pragma once

#include <lamina/base/version.hpp>
#include <lamina/plugin/registrar.hpp>
#include <lamina/plugin/stamp.hpp>

#include <cstdint>

extern "C" {
/// Plain data; `size` guards against another layout.
struct LaminaPluginDescriptor {
  uint64_t size;
  const char* name;
  const char* version;
  const char* license;
  void (*register_components)(lamina::Registrar&);
};
}

#define LAMINA_DETAIL_STAMP_LINE(kind, name, Class, version, summary) \
  "component=" #kind "\t" #name "\t" version "\t" summary "\n"
#define LAMINA_DETAIL_REGISTER(kind, name, Class, version, summary) registrar.add<Class>(#kind, #name, version, summary);

#define LAMINA_PLUGIN(plugin_name, plugin_version, plugin_license, COMPONENT_LIST)                                        \
  extern "C" __attribute__((used, retain, section("lamina_stamp"), visibility("default")))                                \
  const char lamina_stamp_##plugin_name[] =                                                                               \
      LAMINA_STAMP_MAGIC "\n" LAMINA_STAMP_BUILD "plugin=" #plugin_name "\nversion=" plugin_version                       \
      "\nlicense=" plugin_license "\n" COMPONENT_LIST(LAMINA_DETAIL_STAMP_LINE) "end=" LAMINA_STAMP_MAGIC "\n";           \
  static void lamina_register_##plugin_name(lamina::Registrar& registrar) { COMPONENT_LIST(LAMINA_DETAIL_REGISTER) }      \
  extern "C" LAMINA_API const LaminaPluginDescriptor lamina_plugin_##plugin_name{                                         \
      sizeof(LaminaPluginDescriptor), #plugin_name, plugin_version, plugin_license, &lamina_register_##plugin_name};
