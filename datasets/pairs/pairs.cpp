// Pairs of images and labels as a dataset.
#include "pairs.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <regex>

namespace lamina {
namespace {

namespace fs = std::filesystem;

void require_files(const std::vector<PairsCase>& cases) {
  std::vector<std::string> missing;
  for (const auto& one : cases) {
    std::vector<fs::path> files = one.files.images;
    for (const auto& file : {one.files.label, one.files.instances}) {
      if (!file.empty()) files.push_back(file);
    }
    for (const auto& file : files) {
      if (!fs::exists(file)) missing.push_back("\n  " + file.string());
    }
  }
  if (missing.empty()) return;
  const size_t count = missing.size();
  if (count > 30) missing.resize(30), missing.push_back("\n  ...");
  throw DataError(text(count, count == 1 ? " file is" : " files are", " missing:", join(missing, "")));
}

// The list's own column `split`; every row must have one then.
SplitPlan listed_plan(const std::vector<PairsCase>& cases) {
  SplitPlan plan;
  for (const auto& one : cases) {
    if (one.split.empty())
      throw DataError(text("case '", one.files.id, "' has no split in the list, others have; give all rows one"));
    (one.split == "train" ? plan.train : one.split == "val" ? plan.val : plan.test).push_back(one.files.id);
  }
  for (auto* ids : {&plan.train, &plan.val, &plan.test}) std::sort(ids->begin(), ids->end());
  return plan;
}

void check_pattern(OptionErrors& errors, const std::string& where, const std::string& pattern) {
  try {
    std::regex compiled(pattern);
  } catch (const std::regex_error& problem) {
    errors.add(where, text("'", pattern, "' is no regular expression: ", problem.what()));
  }
}

}  // namespace

void PairsOptions::bind(OptionBinder& o) {
  o.field(
      "list", list,
      "CSV with the columns case, image (channels separated by ';'), label and, if wanted, instances, group, split");
  o.field("root", root, "Folder that 'images' and 'labels' are in");
  o.field("images", images, "Folder of images, one file a case");
  o.field("labels", labels, "Folder of label maps");
  o.field("image_pattern", image_pattern,
          "Regular expression on image names; its first parenthesis is the case. Default: the name");
  o.field("label_pattern", label_pattern, "The same for labels");
  o.field("channels", channels, "Names of the image's channels; CT and MRI have a meaning");
  o.field("classes", classes, "Names of the label values 0, 1, 2 ...; the first is the background");
  o.field("label_values", label_values, "classes: voxels hold class numbers; mask: anything but black is class 1",
          OneOf{"classes", "mask"});
  o.field("group", group,
          "What a patient is: 'case', or a regular expression on case names whose first parenthesis names it");
  o.group("split", split,
          "Which cases are for training, selection and test; with a column 'split' only the budget counts");
  o.field("flip_axes", flip_axes, "Axes along which mirroring keeps the labels' meaning", OneOf{"z", "y", "x"});
  o.field("credit", credit, "Owner and licence, for reports");
}

void PairsOptions::check(OptionErrors& errors, const std::string& where) const {
  split.check(errors, where + ".split");
  check_pattern(errors, where + ".image_pattern", image_pattern);
  check_pattern(errors, where + ".label_pattern", label_pattern);
  if (list.empty() == (images.empty() || labels.empty())) {
    errors.add(where, "give either 'list' (a CSV), or 'images' and 'labels' (two folders)");
  }
  if (classes.size() < 2) errors.add(where + ".classes", "expected the background and at least one class");
  if (channels.empty()) errors.add(where + ".channels", "expected at least one name");
}

Pairs::Pairs(const Options& options, const DatasetContext& context) {
  info_.name = "pairs";
  info_.channels = options.channels;
  info_.classes = options.classes;
  info_.flip_axes = options.flip_axes;
  info_.credit = options.credit;
  std::vector<PairsCase> found;
  fs::path folder;
  if (!options.list.empty()) {
    const fs::path list(options.list);
    folder = find_data_folder(list.has_parent_path() ? list.parent_path().string() : ".", context.folder);
    found = read_list(folder / list.filename());
    info_.name = list.stem().string();
  } else {
    folder = find_data_folder(options.root.empty() ? "." : options.root, context.folder);
    found = match_folders(folder, options);
    info_.name = folder.filename().string();
  }
  require_files(found);
  std::vector<CaseName> names;
  bool listed = false;
  for (auto& one : found) {
    if (one.files.group.empty()) one.files.group = group_of(one.files.id, options.group);
    one.files.binary = options.label_values == "mask";
    listed = listed || !one.split.empty();
    names.push_back({one.files.id, one.files.group});
    cases_.emplace(one.files.id, one.files);
  }
  if (listed) {
    plan_ = listed_plan(found);
    apply_budget(plan_, options.split.labels, names);
  } else {
    plan_ = make_splits(options.split, std::move(names), {folder, context.folder});
  }
}

Case Pairs::load(const std::string& id, WithLabels labels) const {
  const auto found = cases_.find(id);
  if (found == cases_.end()) throw DataError(text("case '", id, "' is not in the dataset ", info_.name));
  return plan_.as_budgeted(read_case(found->second, info_, labels));
}

std::string Pairs::fingerprint() const {
  std::vector<CaseFiles> list;
  for (const auto& [id, one] : cases_) list.push_back(one);
  return fingerprint_of(list) + " " + join(info_.channels) + " " + join(info_.classes);
}

}  // namespace lamina
