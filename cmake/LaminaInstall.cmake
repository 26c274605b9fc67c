# What `cmake --install` lays down: headers, libraries, program, plugins (by lamina_add_plugin), templates, experiments and
# the CMake package. The tree may be moved afterwards; torch stays where it is.
include(CMakePackageConfigHelpers)

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/lamina)
set(_share ${CMAKE_INSTALL_DATADIR}/lamina)

install(TARGETS lamina_base lamina_nn lamina_core lamina_io EXPORT laminaTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS lamina RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET lamina_verbs)
  install(TARGETS lamina_verbs LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/include/lamina DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
install(FILES ${LAMINA_GENERATED_INCLUDE}/lamina/base/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lamina/base)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/plugins/template/ DESTINATION ${_share}/plugin-template)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/experiments DESTINATION ${_share} FILES_MATCHING PATTERN *.json)

install(EXPORT laminaTargets NAMESPACE lamina:: DESTINATION ${_package})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/laminaConfig.cmake.in ${CMAKE_BINARY_DIR}/laminaConfig.cmake
  INSTALL_DESTINATION ${_package})
# Before 1.0 a minor version may change everything.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/laminaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/laminaConfig.cmake ${CMAKE_BINARY_DIR}/laminaConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindTorchWheel.cmake DESTINATION ${_package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/LaminaAddPlugin.cmake DESTINATION ${_package} RENAME laminaAddPlugin.cmake)
