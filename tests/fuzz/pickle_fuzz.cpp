// The pickle machine, and the walk that looks for tensors in what it read.
#include "engine/weights/torch_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamina::engine;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    index_of(read_pickle(bytes, "fuzz:", weight_globals()), "fuzz:", size);
  } catch (const lamina::DataError&) {  // refused in words: what damaged and hostile input shall meet
  }
  return 0;
}
