// Where cases come from.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/case.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lamina {

enum class Split { Train, Val, Test };
/// Labels never reach prediction: it loads with Without.
enum class WithLabels { No, Yes };

struct DatasetInfo {
  std::string name;
  std::vector<std::string> channels;      ///< names, "CT" and "MRI" among them; the count is the image's channels
  std::vector<std::string> classes;       ///< index = label value, 0 is background
  std::optional<int64_t> ignore;
  std::vector<std::string> flip_axes;     ///< of "z", "y", "x": axes along which mirroring keeps the labels' meaning
  std::string credit;                     ///< owner and licence, for reports
  bool generated = false;                 ///< pictures of it may be published (the phantom)
};

struct DatasetContext {
  std::filesystem::path folder;           ///< of the experiment file: relative roots are looked up beside it first
};

class LAMINA_API Dataset {
 public:
  static constexpr const char* kKind = "dataset";
  using Interface = Dataset;
  using Context = DatasetContext;
  virtual ~Dataset();

  virtual DatasetInfo info() const = 0;
  /// Case ids of a split, in a fixed order. A split that names missing cases throws DataError listing them.
  virtual std::vector<std::string> ids(Split split) const = 0;
  /// All cases with their patients, without reading them; also those that no split has. Default: the splits' cases, each
  /// a patient of its own.
  virtual std::vector<CaseName> cases() const;
  /// Reads one case; thread safe. DataError names case, file and fact: missing, truncated, NaN, sizes that differ.
  virtual Case load(const std::string& id, WithLabels labels) const = 0;
  /// Changes when the data change; part of every stage hash. Cheap: names, sizes and samples of the files.
  virtual std::string fingerprint() const = 0;
};

}  // namespace lamina
