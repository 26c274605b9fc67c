// Reads the files of one case and refuses in words what would spoil a training silently.
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/case_files.hpp>
#include <lamina/io/volume_io.hpp>

#include <cmath>
#include <fstream>
#include <iomanip>
#include <set>

#include <torch/utils.h>

namespace lamina {
namespace {

namespace fs = std::filesystem;

constexpr double kSpacingTolerance = 1e-3;    // relative
constexpr double kDisplacementWarning = 0.5;  // voxels

std::string sizes(const Volume& volume) {
  const auto size = volume.size();
  return join(size, " x ");
}

// Both lie on one grid: equal sizes and spacings; a warning where they sit apart in the patient.
void require_same_grid(const CaseFiles& files, const fs::path& first, const Volume& a, const fs::path& second,
                       const Volume& b) {
  if (a.size() != b.size()) {
    throw DataError(text("case '", files.id, "': ", second.string(), " has ", sizes(b), " voxels (z, y, x), ",
                         first.filename().string(), " has ", sizes(a), "; they must be equal"));
  }
  const auto& s = a.geometry.spacing;
  const auto& t = b.geometry.spacing;
  for (size_t axis = 0; axis < 3; ++axis) {
    if (std::abs(s[axis] - t[axis]) > kSpacingTolerance * s[axis]) {
      throw DataError(text("case '", files.id, "': ", second.string(), " has the spacing ", join(t, " x "),
                           " mm (z, y, x), ", first.filename().string(), " has ", join(s, " x "),
                           " mm; they must be equal"));
    }
  }
  const double apart = corner_displacement(a.geometry, b.geometry, a.size());
  if (apart > kDisplacementWarning) {
    log_warning(text("case '", files.id, "': ", second.filename().string(), " lies ", std::round(apart * 100) / 100,
                     " voxels away from ", first.filename().string(),
                     " (origin or direction differ); voxels are taken as they are stored"));
  }
}

Volume read_images(const CaseFiles& files, const DatasetInfo& info) {
  std::vector<torch::Tensor> channels;
  Volume first;
  for (const auto& file : files.images) {
    Volume one = read_image(file);
    if (first.defined()) require_same_grid(files, files.images.front(), first, file, one);
    channels.push_back(one.voxels);
    if (!first.defined()) first = std::move(one);
  }
  if (channels.size() > 1) first.voxels = torch::cat(channels, 0);
  const auto wanted = static_cast<int64_t>(info.channels.size());
  if (first.voxels.size(0) != wanted) {
    throw DataError(text("case '", files.id, "': ", files.images.front().string(), " gives ", first.voxels.size(0),
                         first.voxels.size(0) == 1 ? " channel" : " channels", "; the dataset declares ", wanted, " (",
                         join(info.channels), ")"));
  }
  return first;
}

Volume read_mask(const fs::path& file) {
  Volume mask = read_image(file);
  mask.voxels = mask.voxels.gt(0).any(0, true).to(torch::kInt64);
  return mask;
}

void require_declared(const CaseFiles& files, const torch::Tensor& labels, const DatasetInfo& info) {
  const auto classes = static_cast<int64_t>(info.classes.size());
  const auto* values = labels.data_ptr<int64_t>();
  std::set<int64_t> found;
  int64_t count = 0;
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (values[i] < classes || values[i] == info.ignore) continue;
    ++count;
    if (found.size() < 10) found.insert(values[i]);
  }
  if (count == 0) return;
  throw DataError(text("case '", files.id, "': found ", join(found), " in ", files.label.string(), " (", count,
                       count == 1 ? " voxel" : " voxels", "); declared 0..", classes - 1,
                       info.ignore ? text(" and ignore = ", *info.ignore) : ""));
}

// Name, size, first and last bytes.
std::string sample_of(const fs::path& file) {
  constexpr std::streamoff kSample = 4096;
  std::error_code problem;
  const auto size = static_cast<std::streamoff>(fs::file_size(file, problem));
  if (problem) return file.filename().string() + " missing";
  std::ifstream in(file, std::ios::binary);
  std::string head(static_cast<size_t>(std::min(size, kSample)), '\0'), tail = head;
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  in.seekg(size - static_cast<std::streamoff>(tail.size()));
  in.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  return text(file.filename().string(), " ", size, " ", hash_name(head), " ", hash_name(tail));
}

}  // namespace

Case read_case(const CaseFiles& files, const DatasetInfo& info, WithLabels labels) {
  Case one;
  one.id = files.id;
  one.group = files.group;
  one.ignore = info.ignore;
  Volume image = read_images(files, info);
  one.valid = {{0, 0, 0}, image.size()};
  if (labels == WithLabels::Yes && !files.label.empty()) {
    Volume label = files.binary ? read_mask(files.label) : read_labels(files.label);
    require_same_grid(files, files.images.front(), image, files.label, label);
    require_declared(files, label.voxels, info);
    one.labels = Streams<Volume>(std::move(label));
  }
  if (labels == WithLabels::Yes && !files.instances.empty()) {
    Volume instances = read_labels(files.instances);
    require_same_grid(files, files.images.front(), image, files.instances, instances);
    one.instances = Streams<Volume>(std::move(instances));
  }
  one.images = Streams<Volume>(std::move(image));
  return one;
}

std::vector<CaseName> names_of(const std::map<std::string, CaseFiles>& cases) {
  std::vector<CaseName> names;
  for (const auto& [id, files] : cases) names.push_back({id, files.group});
  return names;
}

std::string fingerprint_of(const std::vector<CaseFiles>& cases) {
  std::ostringstream all;
  for (const auto& one : cases) {
    all << one.id << '\n' << one.group << '\n' << one.binary << '\n';
    for (const auto& file : one.images) all << sample_of(file) << '\n';
    if (!one.label.empty()) all << sample_of(one.label) << '\n';
    if (!one.instances.empty()) all << sample_of(one.instances) << '\n';
  }
  std::ostringstream hex;
  hex << std::hex << std::setfill('0') << std::setw(16) << hash_name(all.str());
  return hex.str();
}

}  // namespace lamina
