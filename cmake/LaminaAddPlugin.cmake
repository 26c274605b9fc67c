# lamina_add_plugin(<kind>_<name> SOURCES a.cpp plugin.cpp [TESTS a_test.cpp] [LIBRARIES ...])
#
# Builds the module lamina_<kind>_<name>.so. Inside lamina's tree its tests join the test program of their room (the
# first folder of the path: test_plugins, test_adapters, ...); out of tree they make a program of their own.
function(lamina_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;TESTS;LIBRARIES")
  set(objects lamina_objects_${name})
  set(module lamina_${name})

  # Compiled once, as one unit, for the module and for the test program.
  add_library(${objects} OBJECT ${arg_SOURCES})
  set_target_properties(${objects} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0 CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${objects} PUBLIC cxx_std_20)
  target_link_libraries(${objects} PUBLIC lamina::core ${arg_LIBRARIES})
  target_include_directories(${objects} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})

  add_library(${module} MODULE)
  target_link_libraries(${module} PRIVATE ${objects})
  target_link_options(${module} PRIVATE -Wl,--no-undefined)
  set_target_properties(${module} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${LAMINA_PLUGIN_DIRECTORY})

  if(COMMAND lamina_use_precompiled_header)
    lamina_use_precompiled_header(${objects})
    set_target_properties(${module} PROPERTIES INSTALL_RPATH "$ORIGIN/../..;${LAMINA_TORCH_DIR}/lib")
    install(TARGETS ${module} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lamina/plugins)
    set_property(GLOBAL APPEND PROPERTY LAMINA_PLUGINS ${name})
    if(LAMINA_BUILD_TESTS AND arg_TESTS)
      file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
      string(REGEX REPLACE "/.*" "" room ${path})
      list(TRANSFORM arg_TESTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
      set_property(GLOBAL APPEND PROPERTY LAMINA_TEST_SOURCES_${room} ${arg_TESTS})
      set_property(GLOBAL APPEND PROPERTY LAMINA_TEST_OBJECTS_${room} ${objects})
    endif()
  elseif(arg_TESTS)
    find_package(GTest REQUIRED)
    add_executable(test_${name} ${arg_TESTS})
    target_link_libraries(test_${name} PRIVATE ${objects} GTest::gtest_main)
    include(GoogleTest)
    gtest_discover_tests(test_${name} DISCOVERY_MODE PRE_TEST)
  endif()
endfunction()
