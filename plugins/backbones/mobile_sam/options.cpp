// The sizes of MobileSAM's image encoder, and what must hold between its options.
#include "options.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <map>

namespace lamina {
namespace mobile_sam {
namespace {

constexpr int64_t kPatchStride = 4;  // two convolutions of stride 2
constexpr size_t kFewestStages = 2;

// mobile_sam is TinyViT-5M as MobileSAM has it; tiny is for trying things out.
const std::map<std::string, Dimensions>& sizes() {
  static const std::map<std::string, Dimensions> table{
      {"mobile_sam", {{64, 128, 160, 320}, {2, 2, 6, 2}, {2, 4, 5, 10}, {7, 7, 14, 7}, {}, 256}},
      {"tiny", {{16, 32, 40, 80}, {1, 1, 2, 1}, {1, 2, 2, 4}, {4, 4, 4, 4}, {}, 64}},
      {"custom", {}},
  };
  return table;
}

const std::vector<int64_t>& given_or(const std::vector<int64_t>& given, const std::vector<int64_t>& otherwise) {
  return given.empty() ? otherwise : given;
}

/// Every merge halves the grid but the last: TinyViT counts an output of 320, 448 or 576 channels (the last stage of
/// its three sizes) as the one that keeps it.
std::vector<int64_t> usual_strides(size_t stages) {
  std::vector<int64_t> strides(std::max(stages, kFewestStages) - 1, 2);
  strides.back() = 1;
  return strides;
}

void check_lengths(const Dimensions& numbers, OptionErrors& errors, const std::string& where) {
  const auto expect = [&](const char* name, const std::vector<int64_t>& list, size_t length, const char* what) {
    if (list.size() == length) return;
    errors.add(text(where, ".", name), text("has ", list.size(), " entries; channels names ", numbers.stages(),
                                            " stages, so expected ", length, " (", what, ")"));
  };
  if (numbers.stages() < kFewestStages) {
    errors.add(where + ".channels", text("names ", numbers.stages(), " stage; expected at least ", kFewestStages,
                                         ": one that convolves, then those that attend"));
    return;
  }
  expect("depths", numbers.depths, numbers.stages(), "one per stage");
  expect("heads", numbers.heads, numbers.stages(), "one per stage");
  expect("windows", numbers.windows, numbers.stages(), "one per stage");
  expect("strides", numbers.strides, numbers.stages() - 1, "one between every two stages");
}

void check_channels(const Dimensions& numbers, OptionErrors& errors, const std::string& where) {
  if (numbers.channels[0] % 2 != 0) {
    errors.add(where + ".channels", text("the first stage has ", numbers.channels[0],
                                         " channels; expected an even number, since the first convolution makes half "
                                         "of them"));
  }
  for (size_t stage = 1; stage < numbers.stages(); ++stage) {
    if (numbers.channels[stage] % numbers.heads[stage] == 0) continue;
    errors.add(where + ".heads", text(numbers.heads[stage], " heads do not divide the ", numbers.channels[stage],
                                      " channels of stage ", stage));
  }
}

}  // namespace

int64_t Dimensions::cell_behind(size_t stage) const {
  int64_t pixels = kPatchStride;
  for (size_t merge = 0; merge < strides.size() && merge <= stage; ++merge) pixels *= strides[merge];
  return pixels;
}

Dimensions dimensions_of(const MobileSamOptions& options) {
  Dimensions result = sizes().at(options.size);
  result.channels = given_or(options.channels, result.channels);
  result.depths = given_or(options.depths, result.depths);
  result.heads = given_or(options.heads, result.heads);
  result.windows = given_or(options.windows, result.windows);
  result.strides = given_or(options.strides, usual_strides(result.stages()));
  result.out_channels = options.out_channels.value_or(result.out_channels);
  return result;
}

}  // namespace mobile_sam

void MobileSamOptions::bind(OptionBinder& o) {
  o.field("size", size,
          "mobile_sam: MobileSAM's own, which its released weights fit. tiny (5 blocks of 16 to 80 channels): for "
          "trying things out and training from scratch. custom: give channels, depths, heads and windows. Every list "
          "below that is given replaces the size's own",
          OneOf{"mobile_sam", "tiny", "custom"});
  o.field("channels", channels, "Channels of each stage. The first stage convolves, the others attend", AtLeast{1});
  o.field("depths", depths, "Blocks of each stage", AtLeast{1});
  o.field("heads", heads, "Attention heads of each stage; they divide its channels. The first entry is not used",
          AtLeast{1});
  o.field("windows", windows, "Cells along a side of an attention window, for each stage. The first entry is not used",
          AtLeast{1});
  o.field("strides", strides,
          "How much coarser the grid becomes behind each stage but the last; empty: 2 each time, but 1 in front of the "
          "last stage",
          Range{1, 2});
  o.field("out_channels", out_channels, "Channels of the embedding (the neck's output)", AtLeast{1});
  o.field("checkpoint", checkpoint,
          "Keep only the input of each block and compute it again in the backward pass: less memory, more time");
}

void MobileSamOptions::check(OptionErrors& errors, const std::string& where) const {
  if (size == "custom") {
    std::vector<std::string> missing;
    if (channels.empty()) missing.emplace_back("channels");
    if (depths.empty()) missing.emplace_back("depths");
    if (heads.empty()) missing.emplace_back("heads");
    if (windows.empty()) missing.emplace_back("windows");
    if (!missing.empty()) errors.add(where + ".size", text("custom needs ", join(missing), " as well"));
    if (!missing.empty()) return;
  }
  const mobile_sam::Dimensions numbers = mobile_sam::dimensions_of(*this);
  const size_t before = errors.size();
  mobile_sam::check_lengths(numbers, errors, where);
  if (errors.size() == before) mobile_sam::check_channels(numbers, errors, where);
}

}  // namespace lamina
