// One case as files on disk: read with every check that a dataset owes its user.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/dataset.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina {

struct CaseFiles {
  std::string id, group;
  std::vector<std::filesystem::path> images;  ///< one a channel, or one that holds all channels
  std::filesystem::path label, instances;     ///< empty: none
  bool binary = false;                        ///< the label is a mask: anything but black is class 1
};

/// DataError names case, file and fact: channels, sizes or spacings that differ, undeclared labels, and what
/// read_image() and read_labels() refuse. Origins or directions that differ by more than half a voxel are a warning.
LAMINA_API Case read_case(const CaseFiles& files, const DatasetInfo& info, WithLabels labels);

/// The cases and their patients.
LAMINA_API std::vector<CaseName> names_of(const std::map<std::string, CaseFiles>& cases);

/// Names, sizes, first and last bytes of all files, as 16 hexadecimal digits.
LAMINA_API std::string fingerprint_of(const std::vector<CaseFiles>& cases);

}  // namespace lamina
