// A stand-in for libFuzzer's main() where there is no clang: tries the files it is given, then changed copies of them.
// Knows the words of libFuzzer that the tests use: -runs=N, -seed=N, -max_len=N; folders and files. Others are ignored.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

struct Words {
  long runs = 0;
  unsigned seed = 1;
  size_t max_len = 4096;
  std::vector<fs::path> files;
};

Words words_of(int count, char** values) {
  Words words;
  for (int i = 1; i < count; ++i) {
    const std::string word = values[i];
    if (word.starts_with("-runs=")) words.runs = std::stol(word.substr(6));
    if (word.starts_with("-seed=")) words.seed = static_cast<unsigned>(std::stoul(word.substr(6)));
    if (word.starts_with("-max_len=")) words.max_len = std::stoul(word.substr(9));
    if (word.starts_with("-")) continue;
    if (!fs::is_directory(word)) words.files.emplace_back(word);
    if (!fs::is_directory(word)) continue;
    for (const auto& item : fs::directory_iterator(word)) words.files.push_back(item.path());
  }
  std::sort(words.files.begin(), words.files.end());
  return words;
}

using Bytes = std::vector<uint8_t>;

void try_one(const Bytes& bytes) { LLVMFuzzerTestOneInput(bytes.data(), bytes.size()); }

class Mutator {
 public:
  Mutator(const std::vector<Bytes>& seeds, const Words& words) : seeds_(seeds), words_(words), random_(words.seed) {}

  Bytes next() {
    Bytes bytes = pick();
    for (size_t i = below(6); i-- > 0;) change(bytes);
    bytes.resize(std::min(bytes.size(), words_.max_len));
    return bytes;
  }

 private:
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  const Bytes& pick() { return seeds_[below(seeds_.size())]; }

  /// Lengths and offsets hurt most when they are extreme.
  uint8_t byte() {
    static constexpr uint8_t kExtreme[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
    return below(2) ? kExtreme[below(std::size(kExtreme))] : static_cast<uint8_t>(below(256));
  }

  void change(Bytes& bytes) {
    if (bytes.empty()) return bytes.push_back(byte());
    const size_t at = below(bytes.size()), length = below(std::min<size_t>(bytes.size() - at, 64)) + 1;
    const auto begin = bytes.begin() + static_cast<long>(at);
    switch (below(6)) {
      case 0:
        bytes[at] ^= static_cast<uint8_t>(1U << below(8));
        break;
      case 1:
        std::generate(begin, begin + static_cast<long>(std::min<size_t>(length, 8)), [&] { return byte(); });
        break;
      case 2:
        bytes.erase(begin, begin + static_cast<long>(length));
        break;
      case 3:
        bytes.insert(begin, length, byte());
        break;
      case 4: {  // repeat a piece
        const Bytes piece(begin, begin + static_cast<long>(length));
        bytes.insert(bytes.begin() + static_cast<long>(below(bytes.size())), piece.begin(), piece.end());
        break;
      }
      default: {  // cross with another seed
        const Bytes& other = pick();
        bytes.resize(at);
        bytes.insert(bytes.end(), other.begin() + static_cast<long>(std::min(at, other.size())), other.end());
      }
    }
  }

  const std::vector<Bytes>& seeds_;
  const Words& words_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int count, char** values) {
  const Words words = words_of(count, values);
  std::vector<Bytes> seeds;
  for (const auto& file : words.files) {
    std::ifstream in(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    try_one(seeds.back());
  }
  if (seeds.empty()) return std::fprintf(stderr, "no inputs\n"), 1;
  Mutator mutator(seeds, words);
  for (long run = 0; run < words.runs; ++run) try_one(mutator.next());
  std::fprintf(stderr, "tried %zu files and %ld changed copies\n", seeds.size(), words.runs);
  return 0;
}
