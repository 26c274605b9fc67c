// Walks the values of a pickle. They may be shared, circular and hostile: the walk counts what it sees and how deep it
// is, and no name or number is trusted.
#include "engine/weights/torch_index.hpp"

#include "engine/weights/printable.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace lamina::engine {
namespace {

using Kind = PickleNode::Kind;

constexpr TorchType kTypes[] = {{"torch.DoubleStorage", "F64", 8}, {"torch.FloatStorage", "F32", 4},
                                {"torch.HalfStorage", "F16", 2},   {"torch.BFloat16Storage", "BF16", 2},
                                {"torch.LongStorage", "I64", 8},   {"torch.IntStorage", "I32", 4},
                                {"torch.ShortStorage", "I16", 2},  {"torch.CharStorage", "I8", 1},
                                {"torch.ByteStorage", "U8", 1},    {"torch.BoolStorage", "BOOL", 1}};

constexpr const char* kOrderedDict = "collections.OrderedDict";
constexpr const char* kTensor = "torch._utils._rebuild_tensor_v2";
constexpr const char* kParameter = "torch._utils._rebuild_parameter";
/// Beside the weights, training programs keep devices, sizes and numpy's numbers.
constexpr const char* kInert[] = {"torch.device",
                                  "torch.Size",
                                  "collections.defaultdict",
                                  "_codecs.encode",
                                  "numpy.dtype",
                                  "numpy.ndarray",
                                  "numpy.core.multiarray.scalar",
                                  "numpy.core.multiarray._reconstruct",
                                  "numpy._core.multiarray.scalar",
                                  "numpy._core.multiarray._reconstruct"};

constexpr size_t kMostVisits = 1 << 20, kMostEntries = 200'000, kLongestPath = 500, kMostAxes = 64;
constexpr int kDeepest = 32;
/// Views may share storages (tied weights) and repeat numbers (stride 0), within reason.
constexpr uint64_t kMostUnfolded = 4, kAlwaysUnfolded = 64 << 20;

class IndexWalk {
 public:
  IndexWalk(const Pickle& pickle, const std::string& origin, uint64_t file_bytes)
      : pickle_(pickle), origin_(origin), bytes_left_(unfolded_limit(file_bytes)) {}

  TorchIndex run() {
    const PickleNode& root = pickle_[pickle_.root];
    if (!is_dict(root)) fail("holds no dict of tensors by name; save the model's state_dict()");
    visit(pickle_.root, "", 0);
    std::sort(index_.tensors.begin(), index_.tensors.end(),
              [](const TorchEntry& a, const TorchEntry& b) { return a.name < b.name; });
    const auto twin = std::adjacent_find(index_.tensors.begin(), index_.tensors.end(),
                                         [](const TorchEntry& a, const TorchEntry& b) { return a.name == b.name; });
    if (twin != index_.tensors.end()) fail(text("holds two tensors named '", twin->name, "'"));
    return std::move(index_);
  }

 private:
  [[noreturn]] void fail(const std::string& fact) const { throw DataError(text(origin_, " ", fact)); }

  static uint64_t unfolded_limit(uint64_t file_bytes) {
    uint64_t limit = 0;
    return __builtin_mul_overflow(file_bytes, kMostUnfolded, &limit) || limit > INT64_MAX - kAlwaysUnfolded
               ? INT64_MAX
               : limit + kAlwaysUnfolded;
  }

  static bool is_dict(const PickleNode& node) {
    return node.kind == Kind::Dict || (node.kind == Kind::Call && node.text == kOrderedDict);
  }
  static bool is_list(const PickleNode& node) { return node.kind == Kind::List || node.kind == Kind::Tuple; }
  static bool is_tensor(const PickleNode& node) {
    return node.kind == Kind::Call && (node.text == kTensor || node.text == kParameter);
  }

  void count(size_t visits) {
    visits_ += visits;
    if (visits_ > kMostVisits) fail(text("unfolds to more than ", kMostVisits, " values"));
  }

  void visit(PickleId id, const std::string& path, int depth) {
    const PickleNode& node = pickle_[id];
    count(1 + node.items.size());
    if (depth > kDeepest) fail(text("is nested more than ", kDeepest, " levels deep at '", path, "'"));
    if (is_dict(node)) {
      for (size_t i = 0; i + 1 < node.items.size(); i += 2)
        visit(node.items[i + 1], joined(path, key_text(node.items[i], i / 2)), depth + 1);
    } else if (is_list(node) && holds_more_than_numbers(node)) {
      for (size_t i = 0; i < node.items.size(); ++i) visit(node.items[i], joined(path, std::to_string(i)), depth + 1);
    } else {
      if (index_.tensors.size() + index_.foreign.size() >= kMostEntries)
        fail(text("holds more than ", kMostEntries, " entries"));
      if (is_tensor(node)) {
        add_tensor(node, path);
      } else {
        index_.foreign.push_back(path);
      }
    }
  }

  /// A list of plain numbers is one entry, however long.
  bool holds_more_than_numbers(const PickleNode& list) const {
    return std::any_of(list.items.begin(), list.items.end(), [&](PickleId id) {
      return is_tensor(pickle_[id]) || is_dict(pickle_[id]) || is_list(pickle_[id]);
    });
  }

  /// Keys that are no names (None, a number of numpy) are numbered; nobody looks for weights there.
  std::string key_text(PickleId id, size_t place) const {
    const PickleNode& key = pickle_[id];
    if (key.kind == Kind::Int) return std::to_string(key.number);
    return key.kind == Kind::Text && is_printable(key.text, kLongestPath) ? key.text : text("?", place);
  }

  std::string joined(const std::string& path, const std::string& key) const {
    std::string longer = path.empty() ? key : path + "." + key;
    if (longer.size() > kLongestPath)
      fail(text("has a name longer than ", kLongestPath, " bytes: ", printable(longer)));
    return longer;
  }

  // -- tensors

  /// The arguments of a call; at least `least` of them.
  const std::vector<PickleId>& arguments(const PickleNode& call, size_t least, const std::string& name) const {
    const auto& items = pickle_[call.argument].items;
    if (items.size() < least) fail(text("is damaged: tensor '", name, "' has ", items.size(), " parts of ", least));
    return items;
  }

  const PickleNode& tensor_of(const PickleNode& node, const std::string& name) const {
    if (node.text == kTensor) return node;
    const PickleNode& inner = pickle_[arguments(node, 1, name)[0]];
    if (inner.kind != Kind::Call || inner.text != kTensor)
      fail(text("is damaged: parameter '", name, "' is no tensor"));
    return inner;
  }

  void add_tensor(const PickleNode& node, const std::string& name) {
    constexpr size_t kParts = 4;  // storage, offset, size, strides; gradients and hooks behind them
    const auto& parts = arguments(tensor_of(node, name), kParts, name);
    TorchEntry entry{
        name, "", nullptr, 0, whole_number(parts[1], name), numbers(parts[2], name), numbers(parts[3], name)};
    read_storage(pickle_[parts[0]], entry);
    check_view(entry);
    index_.tensors.push_back(std::move(entry));
  }

  int64_t whole_number(PickleId id, const std::string& name) const {
    const PickleNode& node = pickle_[id];
    if (node.kind != Kind::Int || node.number < 0)
      fail(text("is damaged: tensor '", name, "' has a size, stride or offset that is no whole number >= 0"));
    return node.number;
  }

  std::vector<int64_t> numbers(PickleId id, const std::string& name) const {
    const PickleNode& node = pickle_[id];
    if (!is_list(node) || node.items.size() > kMostAxes)
      fail(text("is damaged: tensor '", name, "' has no tuple of sizes and strides"));
    std::vector<int64_t> all;
    for (const PickleId item : node.items) all.push_back(whole_number(item, name));
    return all;
  }

  /// ('storage', torch.FloatStorage, '0', 'cpu', 12)
  void read_storage(const PickleNode& node, TorchEntry& entry) const {
    constexpr size_t kParts = 5;
    const PickleNode* id = node.kind == Kind::Persistent ? &pickle_[node.argument] : nullptr;
    if (!id || id->kind != Kind::Tuple || id->items.size() != kParts)
      fail(text("is damaged: tensor '", entry.name, "' has no storage"));
    const auto part = [&](size_t i) -> const PickleNode& { return pickle_[id->items[i]]; };
    if (part(0).text != "storage" || part(1).kind != Kind::Global || part(2).kind != Kind::Text)
      fail(text("is damaged: tensor '", entry.name, "' has no storage"));
    entry.type = type_called(part(1).text);
    if (!entry.type) fail(text("keeps tensor '", entry.name, "' in a '", part(1).text, "', which is no storage"));
    entry.storage = part(2).text;
    if (!is_printable(entry.storage, kLongestPath)) fail(text("is damaged: tensor '", entry.name, "' has no storage"));
    entry.elements = static_cast<uint64_t>(whole_number(id->items[4], entry.name));
  }

  static const TorchType* type_called(const std::string& storage) {
    const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const TorchType& type) { return storage == type.storage; });
    return found == std::end(kTypes) ? nullptr : found;
  }

  void check_view(const TorchEntry& entry) {
    if (entry.shape.size() != entry.strides.size())
      fail(text("is damaged: tensor '", entry.name, "' has ", entry.shape.size(), " sizes and ", entry.strides.size(),
                " strides"));
    const auto values = value_count(entry.shape);
    uint64_t bytes = 0;
    if (!values || __builtin_mul_overflow(*values, entry.type->bytes, &bytes))
      fail(text("has a tensor '", entry.name, "' of the impossible shape [", join(entry.shape), "]"));
    if (*values > 0 && !inside(entry))
      fail(text("is damaged: tensor '", entry.name, "' of shape [", join(entry.shape), "] and strides [",
                join(entry.strides), "] from ", entry.offset, " on reaches beyond its storage of ", entry.elements));
    if (bytes > bytes_left_) fail(text("unfolds to far more than its own size at tensor '", entry.name, "'"));
    bytes_left_ -= bytes;
  }

  /// Nothing for what does not fit 63 bits, also where a size of 0 leaves nothing of it.
  static std::optional<uint64_t> value_count(const std::vector<int64_t>& shape) {
    int64_t values = 1;
    for (const int64_t size : shape) {
      if (__builtin_mul_overflow(values, std::max<int64_t>(size, 1), &values)) return {};
    }
    const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
    return empty ? 0 : static_cast<uint64_t>(values);
  }

  /// Whether the last element lies in the storage.
  static bool inside(const TorchEntry& entry) {
    auto last = static_cast<uint64_t>(entry.offset);
    for (size_t i = 0; i < entry.shape.size(); ++i) {
      uint64_t step = 0;
      if (__builtin_mul_overflow(static_cast<uint64_t>(entry.shape[i] - 1), static_cast<uint64_t>(entry.strides[i]),
                                 &step) ||
          __builtin_add_overflow(last, step, &last))
        return false;
    }
    return last < entry.elements;
  }

  const Pickle& pickle_;
  const std::string& origin_;
  uint64_t bytes_left_;
  size_t visits_ = 0;
  TorchIndex index_;
};

}  // namespace

const PickleGlobals& weight_globals() {
  static const PickleGlobals all = [] {
    PickleGlobals names{kOrderedDict, kTensor, kParameter};
    for (const TorchType& type : kTypes) names.insert(type.storage);
    names.insert(std::begin(kInert), std::end(kInert));
    return names;
  }();
  return all;
}

TorchIndex index_of(const Pickle& pickle, const std::string& origin, uint64_t file_bytes) {
  return IndexWalk(pickle, origin, file_bytes).run();
}

}  // namespace lamina::engine
