// How good the model is on whole validation cases.
#pragma once

#include "engine/data/prepared.hpp"
#include "engine/predict/predictor.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

/// Dice of label maps by class, summed over nothing: one case. NaN where a class is in neither. Ignored voxels are left
/// out. `prediction` and `reference`: [1, D, H, W].
std::vector<double> case_dice(const torch::Tensor& prediction, const torch::Tensor& reference, int64_t classes,
                              std::optional<int64_t> ignore);

struct ValidationScore {
  std::optional<double> dice;             // mean over cases of the mean over foreground classes; none: nothing defined
  std::map<std::string, double> classes;  // mean over cases by class name
};

/// Predicts the cases on their prepared grid. Nothing is returned when asked to stop in between.
std::optional<ValidationScore> validate(const Predictor& predictor, const PreparedDataset& data,
                                        const std::vector<std::string>& ids);

}  // namespace lamina::engine
