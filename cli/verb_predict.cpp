// lamina predict: label maps for a folder of images, or for an experiment's test cases.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/run/device.hpp"
#include "engine/run/interrupt.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <algorithm>
#include <map>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

fs::path checkpoint_of_run(const engine::RunFolder& folder) {
  if (!fs::exists(folder.experiment())) return engine::predicting_checkpoint(folder, "best");  // says what is missing
  const auto resolved = ConfigNode::parse(read_file(folder.experiment()), folder.experiment().string());
  return engine::predicting_checkpoint(folder, resolved.at("train").at("checkpoint").text_or("rule", "best"));
}

/// A checkpoint file, a run folder, or an experiment that was trained under --runs.
fs::path checkpoint_of(const std::string& model, const po::variables_map& arguments, const Registry& registry) {
  if (model.ends_with(".safetensors")) {
    if (fs::exists(model)) return model;
    throw DataError(text("there is no checkpoint ", model, "; expected a file, a run folder or a trained experiment"));
  }
  const engine::RunFolder run(model);
  if (fs::exists(run.checkpoints())) return checkpoint_of_run(run);
  const auto experiment = engine::Experiment::load(model, overrides_of(arguments), registry);
  return checkpoint_of_run(folder_of(experiment, runs_folder(arguments), registry));
}

std::string output_extension(const engine::FolderCase& one) {
  static const std::vector<std::string> kKept{".nii.gz", ".nii", ".nrrd", ".mha", ".png"};
  const std::string extension = fs::is_directory(one.channels.front()) ? "" : image_extension(one.channels.front());
  return std::find(kKept.begin(), kKept.end(), extension) == kKept.end() ? ".nii.gz" : extension;
}

int finish(const po::variables_map& arguments, const fs::path& output, size_t cases,
           const std::vector<std::string>& failures) {
  for (const auto& failure : failures) log_error(failure);
  ConfigNode node = ConfigNode::object();
  node.set("output", output.string());
  node.set("cases", static_cast<int64_t>(cases));
  node.set("failed", static_cast<int64_t>(failures.size()));
  print(arguments, node, text(cases - failures.size(), " of ", cases, " cases predicted in ", output.string(), "\n"));
  return failures.empty() ? 0 : 1;
}

int predict_folder(const po::variables_map& arguments, const std::vector<fs::path>& checkpoints,
                   const Registry& registry) {
  const engine::Predictor predictor(checkpoints, registry, overrides_of(arguments));
  const fs::path output = word_of(arguments, "output");
  std::map<std::string, engine::FolderCase> cases;
  std::vector<engine::PredictTarget> targets;
  for (const auto& one : engine::list_folder_cases(word_of(arguments, "input"), predictor.dataset())) {
    targets.push_back({one.id, output / (one.id + output_extension(one))});
    cases[one.id] = one;
  }
  make_folder(output);
  const auto load = [&](const std::string& id) { return engine::load_folder_case(cases.at(id), predictor.dataset()); };
  const auto failures = engine::predict_all(predictor, targets, load, arguments.contains("resume"));
  return finish(arguments, output, targets.size(), failures);
}

/// Into the run's own predictions folder, as `ablate` does.
int predict_test_cases(const po::variables_map& arguments, const std::string& model, const Registry& registry) {
  const auto experiment = engine::Experiment::load(model, overrides_of(arguments), registry);
  engine::use_runtime(experiment.options().runtime);
  const auto runs = runs_folder(arguments);
  const auto folder = folder_of(experiment, runs, registry);
  checkpoint_of_run(folder);  // refuses what is not trained
  engine::run_cell(experiment, folder, runs / ".cache", registry, engine::Stage::Infer);
  const size_t cases = engine::open_dataset(experiment, registry)->ids(Split::Test).size();
  return finish(arguments, folder.predictions(), cases, {});
}

int predict(const po::variables_map& arguments) {
  engine::install_interrupt_handlers();
  const auto registry = open_registry();
  const auto models = words_of(arguments, "model");
  const bool input = arguments.contains("input"), output = arguments.contains("output");
  if (input != output) throw ConfigError("--input and --output go together");
  if (!input && models.size() > 1)
    throw ConfigError("several models are averaged on a folder of images: give --input and --output");
  if (!input) return predict_test_cases(arguments, models.front(), *registry);
  std::vector<fs::path> checkpoints;
  for (const auto& model : models) checkpoints.push_back(checkpoint_of(model, arguments, *registry));
  return predict_folder(arguments, checkpoints, *registry);
}

}  // namespace

Verb predict_verb() {
  return {"predict",
          "writes label maps for a folder of images, or for an experiment's test cases",
          "lamina predict MODEL [MODEL ...] [--input FOLDER|FILE --output FOLDER] [--set infer.overlap=0.25]",
          "lamina predict runs/phantom/phantom-s1-0a1b2c3d --input images --output labels",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("model", po::value<std::vector<std::string>>()->required()->composing(),
                "run folders, checkpoint files (several are averaged), or a trained experiment");
            add("input", po::value<std::string>()->value_name("FOLDER"),
                "images: CASE_0000.nii.gz ..., one file a case, DICOM folders, or one file");
            add("output", po::value<std::string>()->value_name("FOLDER"),
                "where label maps go, one a case, on the image's own grid");
            add("resume", "keep label maps that are there already");
            declare_experiment_options(options);
            declare_runs(options);
            declare_json(options);
            positional.add("model", -1);
          },
          predict};
}

}  // namespace lamina::cli
