# Targets `format` (rewrites), `format_check` (fails on a difference) and `tidy`.
file(GLOB_RECURSE _own CONFIGURE_DEPENDS
  core/*.cpp core/*.hpp core/*.cu core/*.cuh plugins/*.cpp plugins/*.hpp adapters/*.cpp adapters/*.hpp prompters/*.cpp prompters/*.hpp
  decoders/*.cpp decoders/*.hpp datasets/*.cpp datasets/*.hpp cli/*.cpp cli/*.hpp tests/*.cpp tests/*.hpp)
find_program(LAMINA_CLANG_FORMAT clang-format)
if(LAMINA_CLANG_FORMAT)
  add_custom_target(format COMMAND ${LAMINA_CLANG_FORMAT} -i ${_own} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
  add_custom_target(format_check COMMAND ${LAMINA_CLANG_FORMAT} --dry-run -Werror ${_own} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
endif()
find_program(LAMINA_CLANG_TIDY clang-tidy)
if(LAMINA_CLANG_TIDY)
  set(_sources ${_own})
  list(FILTER _sources INCLUDE REGEX "\\.cpp$")
  list(FILTER _sources EXCLUDE REGEX "/tests/|template/")
  add_custom_target(tidy COMMAND ${LAMINA_CLANG_TIDY} -p ${CMAKE_BINARY_DIR} --quiet ${_sources} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
endif()
