# Compiler settings that every target shares; equal flags everywhere let the precompiled header be reused.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# -fPIC for programs too (CMake would give them -fPIE, and the precompiled header would not fit).
add_compile_options(-fPIC -Wall -Wextra -Wno-unused-parameter)

set(LAMINA_SANITIZER_NAME none)
if(LAMINA_SANITIZE)
  string(REPLACE "," "+" LAMINA_SANITIZER_NAME "${LAMINA_SANITIZE}")
  # vptr needs type information that the torch wheel hides.
  add_compile_options(-fsanitize=${LAMINA_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${LAMINA_SANITIZE})
  if(LAMINA_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

find_program(LAMINA_CCACHE ccache)
if(LAMINA_CCACHE)
  # pch_defines and time_macros: otherwise nothing that uses the precompiled header is ever cached.
  set(LAMINA_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${LAMINA_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${LAMINA_LAUNCHER})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LAMINA_LAUNCHER})
  add_compile_options(-fpch-preprocess)
endif()
find_program(LAMINA_MOLD mold)
if(LAMINA_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(LAMINA_PLUGIN_DIRECTORY ${CMAKE_BINARY_DIR}/lib/lamina/plugins)

# Gives a target lamina's precompiled header (torch and the standard library; never lamina's own headers).
function(lamina_use_precompiled_header target)
  if(target STREQUAL lamina_nn)
    target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/core/src/precompiled.hpp)
  else()
    target_precompile_headers(${target} REUSE_FROM lamina_nn)
  endif()
endfunction()

# Files of one group are compiled as one unit: a file that uses torch costs 5 s before its first own line.
function(lamina_compile_in_groups target pattern)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    string(REGEX REPLACE "${pattern}" "\\1" group ${source})
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP unit_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# Groups are folders: engine/train/step.cpp is compiled with its neighbours in engine/train.
function(lamina_compile_by_folder target)
  lamina_compile_in_groups(${target} "^.*/([^/]+)/[^/]+$")
endfunction()

# Groups are the first words of names: data_sampler_test.cpp is compiled with the other data_*_test.cpp.
function(lamina_compile_by_first_word target)
  lamina_compile_in_groups(${target} "^.*/([a-z]+)_[^/]*$")
endfunction()
