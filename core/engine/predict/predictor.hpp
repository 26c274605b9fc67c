// Whole cases in, label maps on the input's own grid out.
#pragma once

#include "engine/data/prepared.hpp"
#include "engine/experiment/experiment.hpp"

#include <lamina/model/inferer.hpp>
#include <lamina/model/model.hpp>
#include <lamina/objective/postprocess.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamina::engine {

/// Everything that prediction needs, from one or several checkpoints (folds are averaged); no dataset and no flags.
class Predictor {
 public:
  /// From checkpoint files; their experiments must agree in dataset classes, prepare and patch.
  Predictor(const std::vector<std::filesystem::path>& checkpoints, const Registry& registry, const std::vector<Override>& overrides = {});
  /// Around a model that is being trained: whole-volume validation. The model must outlive the predictor.
  Predictor(std::shared_ptr<Model> model, const Experiment& experiment, const DatasetInfo& dataset, std::shared_ptr<const PrepareChain> chain,
            const Registry& registry);
  ~Predictor();

  /// Raw case in; labels [1, D, H, W] on its grid out, postprocessing applied. DataError when channels do not fit.
  Volume predict(Case raw) const;
  /// The same from a case that is prepared already; labels on the prepared grid, no postprocessing.
  Volume predict_prepared(const Case& prepared) const;
  int64_t peak_bytes(const Case& prepared) const;
  const DatasetInfo& dataset() const;
  const Experiment& experiment() const;
  bool uses_ground_truth() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct PredictTarget {
  std::string id;
  std::filesystem::path output;
};

/// Predicts many cases with progress, skipping outputs that exist when `resume` is set; a case that fails is reported
/// and the rest goes on. Returns the failures ("case: reason").
std::vector<std::string> predict_all(const Predictor& predictor, const std::vector<PredictTarget>& targets,
                                     const std::function<Case(const std::string&)>& load, bool resume);

/// Cases of a bare folder: nnU-Net names (CASE_0000.nii.gz ...) or one file a case for one channel; a file is one case.
struct FolderCase {
  std::string id;
  std::vector<std::filesystem::path> channels;
};
std::vector<FolderCase> list_folder_cases(const std::filesystem::path& input, const DatasetInfo& dataset);

}  // namespace lamina::engine
