// Looks at a file's first bytes and asks the reader that knows them.
#include "engine/weights/weights_file.hpp"

#include "engine/run/progress.hpp"
#include "engine/train/checkpoint.hpp"
#include "engine/train/initial_model.hpp"
#include "engine/weights/torch_file.hpp"
#include "model/safetensors_reading.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeadBytes = 256;
constexpr std::string_view kZip("PK\x03\x04", 4);
constexpr int kJsonAt = 8;  // safetensors: a length, then a JSON object

std::string head_of(const fs::path& file) {
  if (fs::is_directory(file)) throw DataError(text("cannot read ", file.string(), ": it is a folder"));
  std::ifstream in(file, std::ios::binary);
  if (!in) throw DataError(text("cannot read ", file.string(), ": ", std::strerror(errno)));
  std::string head(kHeadBytes, '\0');
  in.read(head.data(), kHeadBytes);
  head.resize(static_cast<size_t>(in.gcount()));
  return head;
}

/// Files that carry a weights file's name and are something else: how that happens, and what to do.
void refuse_strangers(const fs::path& file, const std::string& head) {
  const auto refuse = [&](const std::string& fact) { throw DataError(text(file.string(), " ", fact)); };
  if (head.starts_with("version https://git-lfs"))
    refuse("is a Git LFS pointer, not the weights; `git lfs pull` fetches them");
  if (head.starts_with("<!") || head.starts_with("<html"))
    refuse("is a web page, not weights; download the file itself");
  const bool pickle = head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
  if (pickle)
    refuse(text("is a plain pickle, as torch before version 1.6 saved weights; lamina reads torch's zip format. ",
                resave_advice(file, "torch.load")));
}

/// A bar in MiB.
class ReadingBar {
 public:
  explicit ReadingBar(const fs::path& file)
      : total_(static_cast<int64_t>(fs::file_size(file) >> kMebi)),
        bar_("reading " + file.filename().string(), total_, "MiB") {}
  ReadingProgress callback() {
    return [this](uint64_t bytes) { bar_.update(static_cast<int64_t>(bytes >> kMebi)); };
  }
  void finish() { bar_.update(total_); }

 private:
  static constexpr int kMebi = 20;
  int64_t total_;
  Progress bar_;
};

}  // namespace

WeightsFormat weights_format(const fs::path& file) {
  const std::string head = head_of(file);
  if (head.starts_with(kZip)) return WeightsFormat::Torch;
  refuse_strangers(file, head);
  const bool json = head.size() > kJsonAt && head[kJsonAt] == '{';
  if (!json && head.size() > kJsonAt)
    throw DataError(text(file.string(), " is neither safetensors nor a .pth of torch.save"));
  return is_checkpoint(file) ? WeightsFormat::Checkpoint : WeightsFormat::Safetensors;
}

WeightsFile read_weights_file(const fs::path& file) {
  const WeightsFormat format = weights_format(file);
  if (format == WeightsFormat::Checkpoint) return {weights_in(read_checkpoint(file), Weights::Averaged), {}, {}};
  ReadingBar bar(file);
  if (format == WeightsFormat::Torch) {
    TorchWeights weights = read_torch_file(file, bar.callback());
    bar.finish();
    if (weights.tensors.empty()) throw DataError(text(file.string(), " holds no tensor"));
    return {std::move(weights.tensors), std::move(weights.foreign), {}};
  }
  SafetensorsFile read = read_safetensors(file, bar.callback());
  bar.finish();
  return {std::move(read.tensors), {}, std::move(read.metadata)};
}

WeightsList list_weights_file(const fs::path& file) {
  WeightsList list{weights_format(file), {}, {}, {}};
  if (list.format != WeightsFormat::Torch) {
    list.tensors = list_safetensors(file, &list.metadata);
    return list;
  }
  TorchFacts facts = list_torch_file(file);
  for (auto& one : facts.tensors)
    list.tensors.push_back({std::move(one.name), std::move(one.dtype), std::move(one.shape)});
  list.foreign = std::move(facts.foreign);
  return list;
}

}  // namespace lamina::engine
