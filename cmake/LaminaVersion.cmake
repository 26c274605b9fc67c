# lamina/base/version.hpp: versions and the hash of the public headers. A changed header changes the hash, so a plugin
# built before is refused in words instead of crashing.
set(_include ${PROJECT_SOURCE_DIR}/core/include)
file(GLOB_RECURSE _headers CONFIGURE_DEPENDS RELATIVE ${_include} ${_include}/lamina/*.hpp)
list(SORT _headers)
set(_all "")
foreach(_header IN LISTS _headers)
  file(SHA256 ${_include}/${_header} _hash)
  string(APPEND _all "${_header} ${_hash}\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_include}/${_header})
endforeach()
string(SHA256 LAMINA_HEADER_HASH "${_all}")
string(SUBSTRING ${LAMINA_HEADER_HASH} 0 16 LAMINA_HEADER_HASH)
# While public headers are being written, every change would rebuild every plugin for its stamp's sake alone; inside the
# tree the compiler's dependencies are enough. Keeps the hash of the first configuration.
option(LAMINA_PIN_HEADER_HASH "Keep the header hash of an earlier configuration (for work on public headers)" OFF)
if(LAMINA_PIN_HEADER_HASH AND LAMINA_PINNED_HEADER_HASH)
  set(LAMINA_HEADER_HASH ${LAMINA_PINNED_HEADER_HASH})
endif()
set(LAMINA_PINNED_HEADER_HASH ${LAMINA_HEADER_HASH} CACHE INTERNAL "The hash that LAMINA_PIN_HEADER_HASH keeps")
set(LAMINA_GENERATED_INCLUDE ${CMAKE_BINARY_DIR}/generated)
configure_file(${_include}/lamina/base/version.hpp.in ${LAMINA_GENERATED_INCLUDE}/lamina/base/version.hpp @ONLY)
