// Finds the cases of an nnU-Net folder, and refuses an incomplete one at once.
#include "nnunet_raw.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <regex>

namespace lamina {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSuffix = 5;  // "_0000"

// ID and channel of "ID_0001.nii.gz"; none for other files.
std::optional<std::pair<std::string, size_t>> channel_file(const std::string& name, const std::string& ending) {
  if (!name.ends_with(ending) || name.size() <= ending.size() + kSuffix) return std::nullopt;
  const std::string stem = name.substr(0, name.size() - ending.size());
  const std::string suffix = stem.substr(stem.size() - kSuffix);
  if (suffix[0] != '_' || suffix.find_first_not_of("0123456789", 1) != std::string::npos) return std::nullopt;
  return std::pair{stem.substr(0, stem.size() - kSuffix), static_cast<size_t>(std::stoul(suffix.substr(1)))};
}

std::vector<CaseFiles> scan(const fs::path& folder, const std::string& ending) {
  const fs::path images = folder / "imagesTr";
  if (!fs::is_directory(images)) throw DataError(text(folder.string(), ": has no folder imagesTr"));
  std::map<std::string, CaseFiles> cases;
  std::map<std::string, std::map<size_t, fs::path>> channels;
  for (const auto& entry : fs::directory_iterator(images)) {
    if (const auto known = channel_file(entry.path().filename().string(), ending))
      channels[known->first][known->second] = entry.path();
  }
  if (channels.empty()) {
    throw DataError(text(images.string(), ": holds no file named CASE_0000", ending, " (file_ending of dataset.json)"));
  }
  for (const auto& [id, files] : channels) {
    CaseFiles& one = cases[id];
    one.id = id;
    for (size_t i = 0; i <= files.rbegin()->first; ++i) {
      const auto found = files.find(i);
      std::string number = std::to_string(i);
      number.insert(0, 4 - std::min<size_t>(4, number.size()), '0');
      one.images.push_back(found != files.end() ? found->second : images / (id + "_" + number + ending));
    }
    one.label = folder / "labelsTr" / (id + ending);
    const fs::path instances = folder / "instancesTr" / (id + ending);
    if (fs::is_regular_file(instances)) one.instances = instances;
  }
  std::vector<CaseFiles> list;
  for (auto& [id, one] : cases) list.push_back(std::move(one));
  return list;
}

// Every file that is named must exist, and each case brings its channels: one file each, or one that holds them all.
void require_complete(const fs::path& folder, const std::vector<CaseFiles>& cases, size_t channels) {
  std::vector<std::string> faults;
  for (const auto& one : cases) {
    if (one.images.size() != channels && one.images.size() != 1) {
      faults.push_back(text("\n  case '", one.id, "' has ", one.images.size(), " image files; dataset.json declares ",
                            channels, " channels"));
    }
    std::vector<fs::path> files = one.images;
    files.push_back(one.label);
    for (const auto& file : files) {
      if (!fs::is_regular_file(file)) faults.push_back("\n  missing: " + file.string());
    }
  }
  if (faults.empty()) return;
  constexpr size_t kShown = 30;
  const size_t count = faults.size();
  if (count > kShown) faults.resize(kShown), faults.push_back(text("\n  and ", count - kShown, " more"));
  throw DataError(text(folder.string(), ": is incomplete:", join(faults, "")));
}

}  // namespace

void NnunetRawOptions::bind(OptionBinder& o) {
  o.field("root", root,
          "Folder of the dataset: absolute, beside the experiment, in the current folder, $nnUNet_raw or $LAMINA_DATA",
          Required{});
  o.field("group", group,
          "What a patient is: 'case', or a regular expression on case names whose first parenthesis names it");
  o.group("split", split, "Which cases are for training, selection and test");
  o.field("flip_axes", flip_axes, "Axes along which mirroring keeps the labels' meaning", OneOf{"z", "y", "x"});
}

NnunetRaw::NnunetRaw(const Options& options, const DatasetContext& context)
    : folder_(find_data_folder(options.root, context.folder)) {
  NnunetDescription description = read_description(folder_);
  info_ = std::move(description.info);
  info_.flip_axes = options.flip_axes;
  auto list = description.listed.empty() ? scan(folder_, description.file_ending) : std::move(description.listed);
  require_complete(folder_, list, info_.channels.size());
  for (auto& one : list) {
    one.group = group_of(one.id, options.group);
    cases_.emplace(one.id, std::move(one));
  }
  plan_ = make_splits(options.split, names_of(cases_), {folder_, context.folder});
}

Case NnunetRaw::load(const std::string& id, WithLabels labels) const {
  const auto found = cases_.find(id);
  if (found == cases_.end()) throw DataError(text("case '", id, "' is not in ", folder_.string()));
  return plan_.as_budgeted(read_case(found->second, info_, labels));
}

std::string NnunetRaw::fingerprint() const {
  std::vector<CaseFiles> list;
  for (const auto& [id, one] : cases_) list.push_back(one);
  return fingerprint_of(list) + " " + join(info_.channels) + " " + join(info_.classes);
}

}  // namespace lamina
