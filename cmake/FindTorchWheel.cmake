# LibTorch from the PyPI wheel (or LAMINA_TORCH_DIR, an installed one): target Torch::cpu.
# The wheel's own TorchConfig drags in CUDA's find modules, so it is not used.
#
# Looked up: LAMINA_TORCH_DIR (the folder with include/ and lib/), then $LAMINA_DEPS or ~/.cache/lamina.
set(LAMINA_TORCH_PIN 2.11.0)
if(NOT LAMINA_TORCH_DIR)
  if(DEFINED ENV{LAMINA_DEPS})
    set(_root $ENV{LAMINA_DEPS})
  else()
    set(_root $ENV{HOME}/.cache/lamina)
  endif()
  set(LAMINA_TORCH_DIR ${_root}/torch-${LAMINA_TORCH_PIN}/torch CACHE PATH "Folder of LibTorch, with include/ and lib/" FORCE)
endif()

find_library(LAMINA_TORCH_CPU torch_cpu HINTS ${LAMINA_TORCH_DIR}/lib NO_DEFAULT_PATH)
find_library(LAMINA_TORCH_C10 c10 HINTS ${LAMINA_TORCH_DIR}/lib NO_DEFAULT_PATH)
set(_header ${LAMINA_TORCH_DIR}/include/torch/headeronly/version.h)
set(LAMINA_TORCH_VERSION "")
if(EXISTS ${_header})
  file(READ ${_header} _text)
  if(_text MATCHES "define TORCH_VERSION[ \\\r\n]+\"([0-9][^\"]*)\"")
    set(LAMINA_TORCH_VERSION ${CMAKE_MATCH_1})
  endif()
endif()
# The wheel says in version.py which CUDA it was built for.
set(LAMINA_TORCH_FLAVOUR cpu)
if(EXISTS ${LAMINA_TORCH_DIR}/version.py)
  file(STRINGS ${LAMINA_TORCH_DIR}/version.py _cuda REGEX "^cuda")
  if(_cuda MATCHES "'([0-9]+)\\.([0-9]+)'")
    set(LAMINA_TORCH_FLAVOUR cu${CMAKE_MATCH_1}${CMAKE_MATCH_2})
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchWheel
  REQUIRED_VARS LAMINA_TORCH_CPU LAMINA_TORCH_C10 LAMINA_TORCH_VERSION
  VERSION_VAR LAMINA_TORCH_VERSION
  REASON_FAILURE_MESSAGE "no LibTorch in ${LAMINA_TORCH_DIR}. Run scripts/setup, or give -DLAMINA_TORCH_DIR=<folder with include/ and lib/>.")

if(TorchWheel_FOUND AND NOT TARGET Torch::cpu)
  add_library(Torch::c10 SHARED IMPORTED)
  set_target_properties(Torch::c10 PROPERTIES IMPORTED_LOCATION ${LAMINA_TORCH_C10})
  add_library(Torch::cpu SHARED IMPORTED)
  set_target_properties(Torch::cpu PROPERTIES
    IMPORTED_LOCATION ${LAMINA_TORCH_CPU}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${LAMINA_TORCH_DIR}/include;${LAMINA_TORCH_DIR}/include/torch/csrc/api/include"
    INTERFACE_INCLUDE_DIRECTORIES "${LAMINA_TORCH_DIR}/include;${LAMINA_TORCH_DIR}/include/torch/csrc/api/include"
    INTERFACE_COMPILE_DEFINITIONS "_GLIBCXX_USE_CXX11_ABI=1"
    INTERFACE_LINK_LIBRARIES Torch::c10)
endif()
