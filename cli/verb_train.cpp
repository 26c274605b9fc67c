// lamina train: prepares and trains one experiment; the same command resumes.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/study.hpp"
#include "engine/run/device.hpp"
#include "engine/run/interrupt.hpp"

#include <lamina/base/text.hpp>

namespace lamina::cli {
namespace {

int train(const po::variables_map& arguments) {
  engine::install_interrupt_handlers();
  const auto registry = open_registry();
  const auto experiment = load_experiment(arguments, *registry);
  engine::use_runtime(experiment.options().runtime);
  const auto runs = runs_folder(arguments);
  const auto folder = folder_of(experiment, runs, *registry);
  engine::run_cell(experiment, folder, runs / ".cache", *registry, engine::Stage::Train);
  const auto status = folder.status();
  ConfigNode node = ConfigNode::object();
  node.set("run", folder.path().string());
  node.set("epochs", status.epochs);
  node.set("best_score", status.best_score);
  node.set("train_seconds", status.train_seconds);
  print(arguments, node, text("run: ", folder.path().string(), "\nbest validation score: ", status.best_score, "\n"));
  return 0;
}

}  // namespace

Verb train_verb() {
  return {"train",
          "trains one experiment; the same command goes on after an interruption",
          "lamina train EXPERIMENT [--set PATH=VALUE ...] [--runs DIR]",
          "lamina train phantom --set train.epochs=1",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            declare_runs(options);
          },
          train};
}

}  // namespace lamina::cli
