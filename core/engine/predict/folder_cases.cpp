// Finds the cases of a bare folder by their names.
#include "engine/predict/predictor.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/case_files.hpp>
#include <lamina/io/volume_io.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

/// A file's name without its image extension.
std::string stem_of(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.substr(0, name.size() - image_extension(file).size());
}

/// "liver_0001" -> 1: the channel as nnU-Net writes it; none when the name does not end so.
std::optional<size_t> channel_of(const std::string& stem) {
  if (stem.size() < 6 || stem[stem.size() - 5] != '_') return {};
  const std::string digits = stem.substr(stem.size() - 4);
  const bool number = std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); });
  return number ? std::optional<size_t>(std::stoul(digits)) : std::nullopt;
}

std::string without_channel(const std::string& stem) { return stem.substr(0, stem.size() - 5); }

bool is_slice(const fs::path& file) {
  return fs::is_regular_file(file) && (image_extension(file) == ".dcm" || !file.has_extension());
}

/// DICOM slices have the extension .dcm or none.
bool is_series(const fs::path& folder) {
  bool slices = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with('.')) continue;
    if (entry.is_directory() || (is_image_file(entry.path()) && image_extension(entry.path()) != ".dcm")) return false;
    slices = slices || is_slice(entry.path());
  }
  return slices;
}

bool holds_several_channels(const fs::path& file) {
  static const std::set<std::string> colour{".png", ".jpg", ".jpeg", ".tif", ".tiff"};
  return colour.count(image_extension(file)) > 0;
}

/// channel -> file of one case; refuses gaps and surplus.
FolderCase complete_case(const std::string& id, const std::map<size_t, fs::path>& files, const DatasetInfo& dataset) {
  FolderCase one{id, {}};
  for (const auto& [channel, file] : files) one.channels.push_back(file);
  const size_t expected = dataset.channels.size();
  const bool one_for_all =
      files.size() == 1 && files.begin()->first == 0 && holds_several_channels(files.begin()->second);
  if (one_for_all) return one;
  std::vector<std::string> missing;
  for (size_t channel = 0; channel < expected; ++channel) {
    const std::string number = std::to_string(channel);
    if (files.count(channel) == 0)
      missing.push_back(
          text(id, "_", std::string(4 - number.size(), '0'), number, " (", dataset.channels[channel], ")"));
  }
  if (!missing.empty())
    throw DataError(
        text("case ", id, " lacks channels: ", join(missing), "; the model was trained on ", join(dataset.channels)));
  if (files.size() > expected) {
    throw DataError(text("case ", id, " has ", files.size(), " channels, expected ", expected, " (",
                         join(dataset.channels), "); surplus: ", files.rbegin()->second.filename().string()));
  }
  return one;
}

/// With one channel only `_0000` marks it: names like scan_0001, scan_0002 are cases.
bool names_channels(const std::map<size_t, fs::path>& files, const DatasetInfo& dataset) {
  return dataset.channels.size() > 1 || (files.size() == 1 && files.begin()->first == 0);
}

void add_case(std::map<std::string, FolderCase>& cases, FolderCase one) {
  const auto [known, fresh] = cases.emplace(one.id, one);
  if (fresh) return;
  throw DataError(text("two inputs would be the case '", one.id,
                       "': ", known->second.channels.front().filename().string(), " and ",
                       one.channels.front().filename().string(), "; rename one"));
}

std::vector<FolderCase> cases_of_files(const std::vector<fs::path>& files, const std::vector<fs::path>& series,
                                       const DatasetInfo& dataset) {
  std::map<std::string, std::map<size_t, fs::path>>
      numbered;  // by case and extension: a_0000.nii and a_0000.png differ
  std::map<std::string, FolderCase> cases;
  for (const fs::path& file : files) {
    const auto channel = channel_of(stem_of(file));
    if (channel) {
      numbered[without_channel(stem_of(file)) + image_extension(file)][*channel] = file;
    } else {
      add_case(cases, {stem_of(file), {file}});
    }
  }
  for (const auto& [key, channels] : numbered) {
    const std::string id = without_channel(stem_of(channels.begin()->second));
    if (names_channels(channels, dataset)) {
      add_case(cases, complete_case(id, channels, dataset));
    } else {
      for (const auto& [channel, file] : channels) add_case(cases, {stem_of(file), {file}});
    }
  }
  for (const fs::path& folder : series) add_case(cases, {folder.filename().string(), {folder}});
  std::vector<FolderCase> list;
  for (const auto& [id, one] : cases) list.push_back(one);
  return list;
}

/// A file and, where its name says that it is one channel of several, its neighbours.
FolderCase case_of_file(const fs::path& file, const DatasetInfo& dataset) {
  if (!is_image_file(file)) throw DataError(text(file.string(), " is no image that lamina reads (by its extension)"));
  const std::string stem = stem_of(file);
  const auto channel = channel_of(stem);
  if (!channel || (dataset.channels.size() == 1 && *channel != 0)) return {stem, {file}};
  std::map<size_t, fs::path> files;
  for (const auto& entry : fs::directory_iterator(file.has_parent_path() ? file.parent_path() : fs::path("."))) {
    const bool other = image_extension(entry.path()) == image_extension(file) && channel_of(stem_of(entry.path())) &&
                       without_channel(stem_of(entry.path())) == without_channel(stem);
    if (other && dataset.channels.size() > 1) files[*channel_of(stem_of(entry.path()))] = entry.path();
  }
  files[*channel] = file;
  return complete_case(without_channel(stem), files, dataset);
}

}  // namespace

std::vector<FolderCase> list_folder_cases(const fs::path& input, const DatasetInfo& dataset) {
  if (!fs::exists(input)) throw DataError(text("there is no file or folder ", input.string()));
  if (!fs::is_directory(input)) return {case_of_file(input, dataset)};
  const fs::path folder = input.has_filename() ? input : input.parent_path();
  if (is_series(folder)) return {{folder.filename().string(), {folder}}};
  std::vector<fs::path> files, series;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with('.')) continue;
    if (entry.is_directory()) {
      if (is_series(entry.path())) series.push_back(entry.path());
    } else if (is_image_file(entry.path())) {
      files.push_back(entry.path());
    }
  }
  if (files.empty() && series.empty()) {
    throw DataError(
        text(input.string(),
             " holds no images; expected files such as CASE_0000.nii.gz, or a folder of DICOM slices for each case"));
  }
  return cases_of_files(files, series, dataset);
}

Case load_folder_case(const FolderCase& one, const DatasetInfo& dataset) {
  CaseFiles files;
  files.id = files.group = one.id;
  files.images = one.channels;
  return read_case(files, dataset, WithLabels::No);
}

}  // namespace lamina::engine
