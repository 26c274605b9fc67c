// What the pickle inside a torch file says: tensors by dotted name, each a view of a numbered storage. Knows no torch.
#pragma once

#include "engine/weights/pickle.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lamina::engine {

/// A kind of number: torch's storage class, the name in safetensors files, the width.
struct TorchType {
  const char *storage, *name;
  uint64_t bytes;
};

struct TorchEntry {
  std::string name;     ///< "model.image_encoder.pos_embed": keys of nested dicts, joined by dots
  std::string storage;  ///< its number: the member data/<number> of the archive
  const TorchType* type;
  uint64_t elements;  ///< of the whole storage
  int64_t offset;     ///< in elements
  std::vector<int64_t> shape, strides;
};

struct TorchIndex {
  std::vector<TorchEntry> tensors;
  std::vector<std::string> foreign;  ///< what is no tensor: "epoch", "optimizer.param_groups.0.lr"
};

/// The names that pickles of weights may hold. None of them is ever called.
const PickleGlobals& weight_globals();

/// Every view is checked against its storage, so that nobody can read beyond it, and all together against `file_bytes`:
/// a few numbers may not unfold to more than memory holds. DataError, which begins with `origin`.
TorchIndex index_of(const Pickle& pickle, const std::string& origin, uint64_t file_bytes);

}  // namespace lamina::engine
