// Puts archive, pickle and storages together.
#include "engine/weights/torch_file.hpp"

#include "engine/weights/printable.hpp"
#include "engine/weights/torch_index.hpp"
#include "engine/weights/zip_archive.hpp"

#include <lamina/base/text.hpp>

#include <map>
#include <utility>

#include <torch/types.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

constexpr const char* kPickle = "/data.pkl";
constexpr uint64_t kLargestPickle = 256 << 20;

torch::ScalarType scalar_type(const TorchType& type) {
  static const std::map<std::string, torch::ScalarType> types{
      {"F64", torch::kFloat64}, {"F32", torch::kFloat32}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
      {"I64", torch::kInt64},   {"I32", torch::kInt32},   {"I16", torch::kInt16},   {"I8", torch::kInt8},
      {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};
  return types.at(type.name);
}

/// An open file: its archive, and what its pickle says.
class TorchArchive {
 public:
  explicit TorchArchive(const std::filesystem::path& file) : file_(file), zip_(file) {
    const ZipMember& pickle = find_pickle();
    refuse_scripts();
    refuse_big_endian();
    if (pickle.bytes > kLargestPickle)
      fail(text("its pickle has ", human_bytes(static_cast<int64_t>(pickle.bytes)),
                "; weights need a thousandth of that"));
    const std::string origin = file.string() + ":";
    try {
      index_ = index_of(read_pickle(zip_.read(pickle), origin, weight_globals()), origin, zip_.bytes());
    } catch (const PickleRefused& problem) {
      throw DataError(text(problem.what(), ". ", resave_advice(file_, "torch.load")));
    }
  }

  TorchIndex& index() { return index_; }

  /// Every tensor as a view of its storage; storages are read once, straight into their place.
  StateDict read(const ReadingProgress& progress) {
    StateDict tensors;
    for (const TorchEntry& entry : index_.tensors) {
      const torch::Tensor& bytes = storage(entry, progress);
      torch::Tensor view = torch::empty({0}, scalar_type(*entry.type));
      view.set_(bytes.storage(), entry.offset, entry.shape, entry.strides);
      tensors.emplace(entry.name, std::move(view));
    }
    return tensors;
  }

 private:
  [[noreturn]] void fail(const std::string& fact) const { throw DataError(text(file_.string(), ": ", fact)); }

  const ZipMember& find_pickle() {
    const ZipMember* found = nullptr;
    for (const ZipMember& member : zip_.members()) {
      const bool top =
          member.name.ends_with(kPickle) && member.name.find('/') == member.name.size() - std::string(kPickle).size();
      if (!top) continue;
      if (found) fail("holds two archives of torch in one");
      found = &member;
    }
    if (!found) fail("is a zip archive, but none of torch.save: it has no data.pkl");
    root_ = found->name.substr(0, found->name.find('/') + 1);
    return *found;
  }

  void refuse_scripts() const {
    if (!zip_.find(root_ + "constants.pkl")) return;
    fail(text("is a TorchScript archive: a program, not weights. ", resave_advice(file_, "torch.jit.load")));
  }

  void refuse_big_endian() const {
    constexpr uint64_t kLongestWord = 16;
    const ZipMember* order = zip_.find(root_ + "byteorder");
    if (!order || order->bytes > kLongestWord) return;
    const std::string word = zip_.read(*order);
    if (word != "little") fail(text("was saved with byte order '", printable(word), "'; lamina reads 'little' only"));
  }

  const torch::Tensor& storage(const TorchEntry& entry, const ReadingProgress& progress) {
    const ZipMember* member = zip_.find(root_ + "data/" + entry.storage);
    if (!member)
      fail(text("is damaged: the numbers of tensor '", entry.name, "' (", root_, "data/", entry.storage,
                ") are missing"));
    // elements * bytes cannot overflow where the quotient is right
    if (member->bytes % entry.type->bytes != 0 || member->bytes / entry.type->bytes != entry.elements)
      fail(text("is damaged: tensor '", entry.name, "' needs ", entry.elements, " numbers of ", entry.type->name,
                ", its storage has ", member->bytes, " bytes"));
    const bool truth = scalar_type(*entry.type) == torch::kBool;
    const std::string key = entry.storage + (truth ? " as truth" : "");
    const auto found = storages_.find(key);
    if (found != storages_.end()) return found->second;
    torch::Tensor bytes = torch::empty({static_cast<int64_t>(member->bytes)}, torch::kUInt8);
    zip_.read(*member, bytes.data_ptr());
    if (truth) bytes = bytes.ne(0).view(torch::kUInt8);  // bytes other than 0 and 1 must not become bool
    done_ += member->bytes;
    if (progress) progress(done_);
    return storages_.emplace(key, std::move(bytes)).first->second;
  }

  std::filesystem::path file_;
  ZipArchive zip_;
  std::string root_;
  TorchIndex index_;
  std::map<std::string, torch::Tensor> storages_;
  uint64_t done_ = 0;
};

}  // namespace

TorchFacts list_torch_file(const std::filesystem::path& file) {
  TorchArchive archive(file);
  TorchFacts facts;
  for (TorchEntry& entry : archive.index().tensors) {
    facts.tensors.push_back({std::move(entry.name), entry.type->name, std::move(entry.shape)});
  }
  facts.foreign = std::move(archive.index().foreign);
  return facts;
}

TorchWeights read_torch_file(const std::filesystem::path& file, const ReadingProgress& progress) {
  TorchArchive archive(file);
  StateDict tensors = archive.read(progress);
  return {std::move(tensors), std::move(archive.index().foreign)};
}

std::string resave_advice(const std::filesystem::path& file, const std::string& loader) {
  const char* options = loader == "torch.load" ? ", weights_only=False" : "";
  return text("Python would run it, so only if you know who made it, this saves its tensors as lamina reads them: ",
              "python -c \"import torch, safetensors.torch as s; d = ", loader, "('", file.string(), "', 'cpu'",
              options,
              "); d = d.state_dict() if hasattr(d, 'state_dict') else d; d = d.get('state_dict', d.get('model', d)); ",
              "s.save_file({k: v.clone().contiguous() for k, v in d.items() if torch.is_tensor(v)}, '",
              file.stem().string(), ".safetensors')\"");
}

}  // namespace lamina::engine
