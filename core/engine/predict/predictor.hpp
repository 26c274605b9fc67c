// Whole cases in, label maps on the input's own grid out.
#pragma once

#include "engine/data/prepared.hpp"
#include "engine/encode/row_encoder.hpp"
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

/// Called after every forward of a case.
using Tick = std::function<void(int64_t done, int64_t total)>;

/// Everything that prediction needs, from one or several checkpoints (folds are averaged); no dataset and no flags.
class Predictor {
 public:
  /// From checkpoint files; they must agree in the dataset's channels and classes, in `prepare` and what it learned,
  /// and in the patch. Else ConfigError. Overrides may change `infer`, `postprocess` and `runtime`.
  Predictor(const std::vector<std::filesystem::path>& checkpoints, const Registry& registry,
            const std::vector<Override>& overrides = {});
  /// Around a model that is being trained: whole-volume validation. Predicting leaves the model in Mode::Infer. `rows`
  /// encodes; null: the model itself.
  Predictor(std::shared_ptr<Model> model, const Experiment& experiment, const DatasetInfo& dataset,
            std::shared_ptr<const PrepareChain> chain, const Registry& registry,
            std::shared_ptr<const RowEncoder> rows = nullptr);
  ~Predictor();

  /// Raw case in; labels [1, D, H, W] (uint8 or int16) on its grid out, postprocessing applied. DataError when channels
  /// do not fit. Labels of the case are dropped unless the model's prompts are made from them.
  Volume predict(Case raw, const Tick& tick = {}) const;
  /// The same from a case that is prepared already; labels on the prepared grid, no postprocessing.
  Volume predict_prepared(const Case& prepared, const Tick& tick = {}) const;
  /// Lets `postprocess` learn from predictions of validation cases; `load` gives a raw case with labels.
  void fit_postprocess(const std::vector<std::string>& ids, const std::function<Case(const std::string&)>& load);
  /// Whether it learned: here, or from a checkpoint of an experiment with the same `postprocess`.
  bool postprocess_fitted() const;
  TensorDict postprocess_state() const;  ///< as a checkpoint keeps it
  /// Bytes held at the peak beside the case and the network's own activations.
  int64_t peak_bytes(const Case& prepared) const;
  const DatasetInfo& dataset() const;
  const Experiment& experiment() const;
  bool uses_ground_truth() const;

 private:
  struct Parts;
  Volume predict_plain(Case raw, const Tick& tick) const;
  std::unique_ptr<Parts> parts_;
};

struct PredictTarget {
  std::string id;
  std::filesystem::path output;
};

/// Predicts many cases with progress, skipping outputs that exist when `resume` is set; a case that fails is reported
/// and the rest goes on. Returns the failures ("case: reason"). StorageError when the disk refuses: the rest would fail
/// too.
std::vector<std::string> predict_all(const Predictor& predictor, const std::vector<PredictTarget>& targets,
                                     const std::function<Case(const std::string&)>& load, bool resume);

/// Cases of a bare folder, by id: nnU-Net's names (CASE_0000.nii.gz ...), plain files that hold all channels, or a
/// folder of DICOM slices for each case. `input` may also be one file or one DICOM folder. DataError when channels are
/// missing.
struct FolderCase {
  std::string id;
  std::vector<std::filesystem::path> channels;
};
std::vector<FolderCase> list_folder_cases(const std::filesystem::path& input, const DatasetInfo& dataset);
/// Reads one of them, without labels. DataError names case, file and fact.
Case load_folder_case(const FolderCase& one, const DatasetInfo& dataset);

}  // namespace lamina::engine
