// Reads all cases on several threads and compares them.
#include "engine/data/check.hpp"

#include "engine/data/split_overlap.hpp"
#include "engine/data/worker_threads.hpp"
#include "engine/run/progress.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>

#include <torch/utils.h>

namespace lamina::engine {
namespace {

constexpr std::array kSplits{std::pair{Split::Train, "train"}, std::pair{Split::Val, "val"},
                             std::pair{Split::Test, "test"}};
constexpr size_t kNamesShown = 20;
constexpr double kDisplacementWarning = 0.5;  // voxels

class Checker {
 public:
  Checker(const Dataset& dataset, const DataCheckOptions& options) : dataset_(dataset), options_(options) {
    result_.info = dataset.info();
  }

  DataCheck run() {
    list_cases();
    read_cases();
    compare_cases();
    std::stable_sort(result_.faults.begin(), result_.faults.end(), [](const DataFault& a, const DataFault& b) {
      return std::tie(a.warning, a.case_id) < std::tie(b.warning, b.case_id);
    });
    std::sort(result_.thumbnails.begin(), result_.thumbnails.end());
    return std::move(result_);
  }

 private:
  void list_cases() {
    std::set<std::string> seen;
    try {
      for (const auto& [split, name] : kSplits) {
        for (const auto& id : dataset_.ids(split)) {
          ++result_.split_sizes[name];
          if (!seen.insert(id).second) continue;
          CaseRecord record;
          record.id = id;
          record.split = name;
          result_.cases.push_back(std::move(record));
        }
      }
      check_splits();
    } catch (const DataError& error) {
      add({false, "", error.what()});
    }
  }

  // A test that the model has learned from is none; the rest is for the user to judge.
  void check_splits() {
    for (const auto& overlap : split_overlaps(dataset_)) {
      const bool learned = overlap.first == Split::Train && (overlap.second == Split::Test || !overlap.cases.empty());
      for (const auto& sentence : overlap.sentences()) add({!learned, "", sentence});
    }
    const auto unused = unused_cases(dataset_);
    if (unused.empty()) return;
    add({true, "",
         text(unused.size(), unused.size() == 1 ? " case is" : " cases are",
              " in no part of the split: ", join_first(unused, kNamesShown))});
  }

  void read_cases() {
    Progress progress("checking data", static_cast<int64_t>(result_.cases.size()), "cases");
    std::atomic<size_t> next{0};
    int64_t done = 0;
    if (!options_.thumbnails.empty()) make_folder(options_.thumbnails);
    WorkerThreads workers(std::max<int64_t>(1, options_.threads), [&] {
      for (size_t i = next++; i < result_.cases.size(); i = next++) {
        read_case(i);
        const std::lock_guard lock(mutex_);
        progress.update(++done);
      }
    });
    workers.join();
  }

  void read_case(size_t index) {
    CaseRecord& record = result_.cases[index];
    try {
      look_at(index, dataset_.load(record.id, WithLabels::Yes));
    } catch (const std::exception& error) {
      add({false, record.id, error.what()});
    }
  }

  void look_at(size_t index, const Case& one) {
    CaseRecord& record = result_.cases[index];
    const Volume& image = one.images.primary();
    record.readable = true;
    record.group = one.group;
    record.size = image.size();
    record.spacing = image.geometry.spacing;
    for (int64_t c = 0; c < image.voxels.size(0); ++c) {
      record.minimum.push_back(image.voxels[c].min().item<double>());
      record.maximum.push_back(image.voxels[c].max().item<double>());
      if (record.minimum.back() == record.maximum.back()) {
        add({true, record.id, text("channel ", c, " has the one value ", record.minimum.back(), " everywhere")});
      }
    }
    if (one.has_label()) {
      look_at_label(record, one);
    } else {
      add({record.split == "test", record.id, "has no label"});
    }
    if (static_cast<int64_t>(index) < options_.pictures && !options_.thumbnails.empty()) save_thumbnail(record, one);
  }

  void look_at_label(CaseRecord& record, const Case& one) {
    const Volume& label = one.labels.primary();
    const auto classes = static_cast<int64_t>(result_.info.classes.size());
    if (label.size() != record.size) {
      return add({false, record.id,
                  text("label has ", join(label.size(), " x "), " voxels, image ", join(record.size, " x "))});
    }
    const double apart = corner_displacement(one.images.primary().geometry, label.geometry, record.size);
    if (apart > kDisplacementWarning) {
      add({true, record.id,
           text("label and image lie ", std::round(100 * apart) / 100,
                " voxels apart at a corner (origin or direction differ)")});
    }
    const torch::Tensor values = label.voxels.flatten().to(torch::kInt64);
    std::set<int64_t> strange;
    record.voxels.assign(static_cast<size_t>(classes), 0);
    const auto* data = values.data_ptr<int64_t>();
    for (int64_t i = 0; i < values.numel(); ++i) {
      if (data[i] >= 0 && data[i] < classes) {
        ++record.voxels[static_cast<size_t>(data[i])];
      } else if (data[i] != result_.info.ignore && strange.size() < 10) {
        strange.insert(data[i]);
      }
    }
    if (!strange.empty())
      add({false, record.id, text("found ", join(strange), " in the label; declared 0..", classes - 1)});
    if (record.voxels[0] == values.numel()) add({true, record.id, "its label is empty: background only"});
  }

  void save_thumbnail(const CaseRecord& record, const Case& one) {
    const torch::Tensor labels = one.has_label() ? one.labels.primary().voxels[0]
                                                 : torch::zeros(one.images.primary().voxels[0].sizes(), torch::kInt64);
    const torch::Tensor filled = labels.gt(0).sum({1, 2});
    const int64_t slice = filled.max().item<int64_t>() > 0 ? filled.argmax().item<int64_t>() : labels.size(0) / 2;
    const auto file = options_.thumbnails / (record.split + "_" + record.id + ".png");
    write_file(file, encode_png(outlined_slice(one.images.primary().voxels[0][slice], labels[slice])));
    const std::lock_guard lock(mutex_);
    result_.thumbnails.push_back(file);
  }

  // What only all cases together show.
  void compare_cases() {
    std::vector<int64_t> with_class(result_.info.classes.size(), 0);
    for (const auto& record : result_.cases) {
      if (record.split != "train") continue;
      for (size_t c = 0; c < record.voxels.size(); ++c) with_class[c] += record.voxels[c] > 0 ? 1 : 0;
    }
    for (size_t c = 1; c < with_class.size(); ++c) {
      if (with_class[c] == 0)
        add({true, "", text("class ", c, " '", result_.info.classes[c], "' is in no training case")});
    }
    for (const char* split : {"train", "val"}) {
      if (result_.split_sizes[split] == 0)
        add({std::string(split) == "val", "", text("the split '", split, "' has no case")});
    }
  }

  void add(DataFault fault) {
    const std::lock_guard lock(mutex_);
    result_.faults.push_back(std::move(fault));
  }

  const Dataset& dataset_;
  const DataCheckOptions& options_;
  DataCheck result_;
  std::mutex mutex_;
};

}  // namespace

bool DataCheck::usable() const {
  return std::all_of(faults.begin(), faults.end(), [](const DataFault& fault) { return fault.warning; });
}

DataCheck check_data(const Dataset& dataset, const DataCheckOptions& options) {
  return Checker(dataset, options).run();
}

torch::Tensor outlined_slice(const torch::Tensor& image, const torch::Tensor& labels) {
  static constexpr std::array<std::array<int, 3>, 6> kColours{
      {{230, 80, 60}, {80, 200, 90}, {80, 130, 240}, {240, 210, 70}, {210, 100, 220}, {80, 210, 220}}};
  const torch::Tensor values = image.to(torch::kFloat32);
  const double low = values.min().item<double>(), high = values.max().item<double>();
  const torch::Tensor grey = (values - low) * (high > low ? 255 / (high - low) : 0);
  torch::Tensor picture = grey.clamp(0, 255).to(torch::kUInt8).unsqueeze(2).repeat({1, 1, 3});
  // A voxel is outline where a neighbour in the picture has another label.
  const torch::Tensor padded = torch::replication_pad2d(labels.to(torch::kFloat32).unsqueeze(0), {1, 1, 1, 1})[0];
  const int64_t height = labels.size(0), width = labels.size(1);
  const auto neighbour = [&](int64_t y, int64_t x) {
    return padded.slice(0, y, y + height).slice(1, x, x + width).ne(labels);
  };
  const torch::Tensor edge = neighbour(0, 1) | neighbour(2, 1) | neighbour(1, 0) | neighbour(1, 2);
  const int64_t classes = labels.numel() > 0 ? labels.max().item<int64_t>() : 0;
  for (int64_t value = 1; value <= classes; ++value) {
    const torch::Tensor outline = edge & labels.eq(value);
    for (int64_t channel = 0; channel < 3; ++channel) {
      picture.select(2, channel)
          .masked_fill_(outline,
                        kColours[static_cast<size_t>(value - 1) % kColours.size()][static_cast<size_t>(channel)]);
    }
  }
  return picture;
}

}  // namespace lamina::engine
