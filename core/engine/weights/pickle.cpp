// The pickle machine: a stack, marks, a memo. Every length is checked against the bytes that are left, and memory grows
// with the input alone: each operation adds at most one node and moves what others pushed.
#include "engine/weights/pickle.hpp"

#include "engine/weights/printable.hpp"

#include <lamina/base/text.hpp>

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

namespace lamina::engine {
namespace {

using Kind = PickleNode::Kind;

constexpr size_t kMostValues = 1 << 20;  // a large checkpoint with its optimizer has some ten thousand
constexpr size_t kMostMarks = 1000;      // Python's own pickler ends at a thousand levels too
constexpr size_t kLongestName = 1000;
constexpr int kFirstProtocol = 2, kLastProtocol = 5;

/// Operations by the letters and numbers of Python's pickletools.
namespace op {
enum Code : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersid = 'Q',
  kReduce = 'R',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinFloat = 'G',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kAppends = 'e',
  kBinGet = 'h',
  kInstance = 'i',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};
}  // namespace op

static_assert(std::endian::native == std::endian::little, "pickles hold little-endian numbers");

class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, const std::string& origin, const PickleGlobals& allowed)
      : bytes_(bytes), origin_(origin), allowed_(allowed) {}

  Pickle run() {
    while (true) {
      const auto operation = number<uint8_t>();
      if (operation == op::kStop) break;
      if (!scalar(operation) && !container(operation) && !filling(operation) && !memo(operation) && !naming(operation))
        refuse_operation(operation);
    }
    if (stack_.size() != 1 || !marks_.empty()) fail("is damaged: it ends in the middle of a value");
    if (at_ != bytes_.size()) fail(text("has ", bytes_.size() - at_, " bytes after its end"));
    pickle_.root = stack_.back();
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void fail(const std::string& fact) const { throw DataError(text(origin_, " ", fact)); }
  [[noreturn]] void refuse_operation(uint8_t operation) const {
    throw PickleRefused(text(origin_, " uses the pickle operation ", int{operation}, " at byte ", at_ - 1,
                             ", which weights do not need; nothing of the file was run"));
  }

  // -- bytes

  std::string_view take(uint64_t count) {
    const uint64_t left = bytes_.size() - at_;
    if (count > left) fail(text("is damaged: at byte ", at_, " it promises ", count, " bytes, ", left, " are left"));
    const auto piece = bytes_.substr(at_, count);
    at_ += count;
    return piece;
  }

  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof(Number)).data(), sizeof(Number));
    return value;
  }

  std::string_view line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos || end - at_ > kLongestName) fail("is damaged: a name has no end");
    const auto piece = take(end - at_);
    ++at_;
    return piece;
  }

  double big_endian_float() { return std::bit_cast<double>(__builtin_bswap64(number<uint64_t>())); }

  // -- stack

  PickleId add(PickleNode node) {
    if (pickle_.nodes.size() >= kMostValues) fail(text("holds more than ", kMostValues, " values"));
    pickle_.nodes.push_back(std::move(node));
    return static_cast<PickleId>(pickle_.nodes.size() - 1);
  }

  bool push(PickleNode node) {
    stack_.push_back(add(std::move(node)));
    return true;
  }
  bool push_number(Kind kind, int64_t value) { return push({.kind = kind, .number = value}); }
  bool push_text(Kind kind, std::string_view value) { return push({.kind = kind, .text = std::string(value)}); }

  /// Values below the last mark belong to what is around it.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleId pop() {
    if (stack_.size() <= floor()) fail(text("is damaged: at byte ", at_ - 1, " a value is missing"));
    const PickleId top = stack_.back();
    stack_.pop_back();
    return top;
  }

  PickleNode& top() {
    if (stack_.size() <= floor()) fail(text("is damaged: at byte ", at_ - 1, " a value is missing"));
    return pickle_.nodes[stack_.back()];
  }

  std::vector<PickleId> pop_last(size_t count) {
    if (stack_.size() < floor() + count) fail(text("is damaged: at byte ", at_ - 1, " a value is missing"));
    std::vector<PickleId> items(stack_.end() - static_cast<long>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) fail(text("is damaged: at byte ", at_ - 1, " a mark is missing"));
    auto items = pop_last(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  bool push_items(Kind kind, std::vector<PickleId> items) {
    if (kind == Kind::Dict && items.size() % 2) fail("is damaged: a key has no value");
    return push({.kind = kind, .items = std::move(items)});
  }

  // -- operations; each group says whether the operation is one of its own

  bool scalar(uint8_t operation) {
    switch (operation) {
      case op::kNone:
        return push({});
      case op::kNewTrue:
        return push_number(Kind::Bool, 1);
      case op::kNewFalse:
        return push_number(Kind::Bool, 0);
      case op::kBinInt:
        return push_number(Kind::Int, number<int32_t>());
      case op::kBinInt1:
        return push_number(Kind::Int, number<uint8_t>());
      case op::kBinInt2:
        return push_number(Kind::Int, number<uint16_t>());
      case op::kLong1:
        return push_long(take(number<uint8_t>()));
      case op::kLong4:
        return push_long(take(number<uint32_t>()));
      case op::kBinFloat:
        return push({.kind = Kind::Float, .real = big_endian_float()});
      case op::kShortBinUnicode:
        return push_text(Kind::Text, take(number<uint8_t>()));
      case op::kBinUnicode:
        return push_text(Kind::Text, take(number<uint32_t>()));
      case op::kBinUnicode8:
        return push_text(Kind::Text, take(number<uint64_t>()));
      case op::kShortBinBytes:
        return push_text(Kind::Bytes, take(number<uint8_t>()));
      case op::kBinBytes:
        return push_text(Kind::Bytes, take(number<uint32_t>()));
      case op::kBinBytes8:
        return push_text(Kind::Bytes, take(number<uint64_t>()));
      default:
        return false;
    }
  }

  /// Two's complement, lowest byte first; what 64 bits do not hold stays as bytes.
  bool push_long(std::string_view raw) {
    if (raw.size() > sizeof(int64_t)) return push_text(Kind::Bytes, raw);
    const bool negative = !raw.empty() && (static_cast<uint8_t>(raw.back()) & 0x80);
    uint64_t value = negative ? ~uint64_t{0} : 0;
    std::memcpy(&value, raw.data(), raw.size());
    return push_number(Kind::Int, static_cast<int64_t>(value));
  }

  bool container(uint8_t operation) {
    switch (operation) {
      case op::kMark:
        if (marks_.size() >= kMostMarks) fail(text("is nested more than ", kMostMarks, " levels deep"));
        marks_.push_back(stack_.size());
        return true;
      case op::kEmptyTuple:
        return push_items(Kind::Tuple, {});
      case op::kEmptyList:
        return push_items(Kind::List, {});
      case op::kEmptyDict:
        return push_items(Kind::Dict, {});
      case op::kTuple1:
        return push_items(Kind::Tuple, pop_last(1));
      case op::kTuple2:
        return push_items(Kind::Tuple, pop_last(2));
      case op::kTuple3:
        return push_items(Kind::Tuple, pop_last(3));
      case op::kTuple:
        return push_items(Kind::Tuple, pop_to_mark());
      case op::kList:
        return push_items(Kind::List, pop_to_mark());
      case op::kDict:
        return push_items(Kind::Dict, pop_to_mark());
      default:
        return false;
    }
  }

  bool filling(uint8_t operation) {
    switch (operation) {
      case op::kAppend:
        return append(pop_last(1));
      case op::kAppends:
        return append(pop_to_mark());
      case op::kSetItem:
        return set_items(pop_last(2));
      case op::kSetItems:
        return set_items(pop_to_mark());
      case op::kBuild:
        return build(pop());
      default:
        return false;
    }
  }

  bool append(const std::vector<PickleId>& items) {
    if (top().kind != Kind::List) fail("is damaged: something is appended to what is no list");
    top().items.insert(top().items.end(), items.begin(), items.end());
    return true;
  }

  bool set_items(const std::vector<PickleId>& items) {
    if (top().kind != Kind::Dict && top().kind != Kind::Call) fail("is damaged: an item is set in what is no dict");
    if (items.size() % 2) fail("is damaged: a key has no value");
    top().items.insert(top().items.end(), items.begin(), items.end());
    return true;
  }

  bool build(PickleId state) {
    if (top().kind != Kind::Call) fail("is damaged: a state is given to what has none");
    top().state = state;
    return true;
  }

  bool memo(uint8_t operation) {
    switch (operation) {
      case op::kBinPut:
        return remember(number<uint8_t>());
      case op::kLongBinPut:
        return remember(number<uint32_t>());
      case op::kMemoize:
        return remember(memo_count_);
      case op::kBinGet:
        return recall(number<uint8_t>());
      case op::kLongBinGet:
        return recall(number<uint32_t>());
      default:
        return false;
    }
  }

  bool remember(size_t index) {
    if (index >= kMostValues) fail(text("numbers a value ", index, "; at most ", kMostValues, " are allowed"));
    top();
    if (index >= memo_.size()) memo_.resize(index + 1, kNoPickle);
    if (memo_[index] == kNoPickle) ++memo_count_;
    memo_[index] = stack_.back();
    return true;
  }

  bool recall(size_t index) {
    if (index >= memo_.size() || memo_[index] == kNoPickle) fail(text("is damaged: it has no value number ", index));
    stack_.push_back(memo_[index]);
    return true;
  }

  bool naming(uint8_t operation) {
    switch (operation) {
      case op::kGlobal:
        return push_global(global_in_lines());
      case op::kInstance:  // a call of protocol 0: say the name before the operation
        require_allowed(global_in_lines());
        return false;
      case op::kStackGlobal: {
        const std::string name = pop_word(), module = pop_word();
        return push_global(module + "." + name);
      }
      case op::kReduce:
        return call();
      case op::kBinPersid:
        return push({.kind = Kind::Persistent, .argument = pop()});
      case op::kProto:
        return require_protocol(number<uint8_t>());
      case op::kFrame:
        if (number<uint64_t>() > bytes_.size() - at_) fail("is damaged: a frame reaches beyond its end");
        return true;
      default:
        return false;
    }
  }

  bool require_protocol(int protocol) const {
    if (protocol < kFirstProtocol || protocol > kLastProtocol)
      fail(text("is a pickle of protocol ", protocol, "; lamina reads ", kFirstProtocol, " to ", kLastProtocol));
    return true;
  }

  std::string global_in_lines() {
    const std::string module(line());
    return module + "." + std::string(line());
  }

  std::string pop_word() {
    const PickleNode& node = pickle_[pop()];
    if (node.kind != Kind::Text || node.text.size() > kLongestName) fail("is damaged: the name of a global is no text");
    return node.text;
  }

  void require_allowed(const std::string& name) const {
    if (allowed_.contains(name)) return;
    throw PickleRefused(text(origin_, " names the global '", printable(name), "' at byte ", at_ - 1,
                             ", which is not among those that weights need; nothing of the file was run"));
  }

  bool push_global(const std::string& name) {
    require_allowed(name);
    return push_text(Kind::Global, name);
  }

  bool call() {
    const PickleId arguments = pop(), callee = pop();
    if (pickle_[callee].kind != Kind::Global || pickle_[arguments].kind != Kind::Tuple)
      fail("is damaged: something is called that is no global");
    return push({.kind = Kind::Call, .text = pickle_[callee].text, .argument = arguments});
  }

  std::string_view bytes_;
  const std::string& origin_;
  const PickleGlobals& allowed_;
  size_t at_ = 0, memo_count_ = 0;
  Pickle pickle_;
  std::vector<PickleId> stack_, memo_;
  std::vector<size_t> marks_;
};

}  // namespace

Pickle read_pickle(std::string_view bytes, const std::string& origin, const PickleGlobals& allowed) {
  return PickleMachine(bytes, origin, allowed).run();
}

}  // namespace lamina::engine
