// lamina evaluate: scores a folder of label maps, whichever program made them.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/data/split_overlap.hpp"
#include "engine/evaluate/folder.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <cmath>
#include <iomanip>
#include <sstream>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// "dice,hd95" or entries in JSON: {"type": "nsd", "tolerance_mm": 2}.
std::vector<ConfigNode> metric_entries(const std::vector<std::string>& words) {
  std::vector<ConfigNode> entries;
  for (const auto& word : words) {
    if (word.starts_with("{")) {
      entries.push_back(ConfigNode::parse(word, "--metric"));
      continue;
    }
    for (const auto& name : split(word, ',')) {
      ConfigNode entry = ConfigNode::object();
      entry.set("type", name);
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

struct Scored {
  engine::FolderScores scores;
  DatasetInfo dataset;
};

engine::FolderOptions folder_options(const po::variables_map& arguments) {
  engine::FolderOptions options;
  options.allow_missing = arguments.contains("allow-missing");
  if (arguments.contains("threads")) options.threads = arguments["threads"].as<int64_t>();
  return options;
}

Scored score_against_folder(const po::variables_map& arguments, const Registry& registry) {
  const fs::path references = word_of(arguments, "references");
  const DatasetInfo info = engine::info_of_references(references);
  const engine::Evaluator evaluator(metric_entries(words_of(arguments, "metric")), word_of(arguments, "empty"), info,
                                    registry);
  return {engine::evaluate_folder(word_of(arguments, "predictions"), references, evaluator, folder_options(arguments)),
          info};
}

/// Metrics are the experiment's, so is the policy where none is given, and cases are its test split.
Scored score_against_experiment(const po::variables_map& arguments, const Registry& registry) {
  const auto experiment = load_experiment(arguments, registry);
  const auto dataset = engine::open_dataset(experiment, registry);
  for (const auto& warning : engine::split_warnings(*dataset)) log_warning(warning);
  const auto& section = experiment.options().evaluate;
  const bool given = !arguments["empty"].defaulted();
  const engine::Evaluator evaluator(section.metrics, given ? word_of(arguments, "empty") : section.empty,
                                    dataset->info(), registry);
  const auto ids = dataset->ids(Split::Test);
  return {
      engine::evaluate_folder(word_of(arguments, "predictions"), *dataset, ids, evaluator, folder_options(arguments)),
      dataset->info()};
}

std::string rounded(double value) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(4) << value;
  return std::isnan(value) ? "undefined" : out.str();
}

void print_scores(const po::variables_map& arguments, const Scored& scored) {
  ConfigNode list = ConfigNode::array();
  std::vector<std::vector<std::string>> rows{
      {"metric", "class", "mean", "SD", "cases", "undefined", "missed", "invented"}};
  for (const auto& [key, aggregate] : engine::aggregate(scored.scores.rows)) {
    const std::string name = key.second == 0 ? "(mean)" : scored.dataset.classes.at(static_cast<size_t>(key.second));
    rows.push_back({key.first, name, rounded(aggregate.mean), rounded(aggregate.sd), std::to_string(aggregate.cases),
                    std::to_string(aggregate.undefined), std::to_string(aggregate.missed),
                    std::to_string(aggregate.hallucinated)});
    ConfigNode entry = ConfigNode::object();
    entry.set("metric", key.first);
    entry.set("class", name);
    entry.set("mean", std::isnan(aggregate.mean) ? ConfigNode()
                                                 : ConfigNode::parse(text(std::setprecision(9), aggregate.mean)));
    entry.set("sd",
              std::isnan(aggregate.sd) ? ConfigNode() : ConfigNode::parse(text(std::setprecision(9), aggregate.sd)));
    entry.set("cases", aggregate.cases);
    entry.set("missed", aggregate.missed);
    entry.set("hallucinated", aggregate.hallucinated);
    list.push_back(std::move(entry));
  }
  print(arguments, list, table(rows));
}

int evaluate(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const bool against_folder = arguments.contains("references");
  if (against_folder == arguments.contains("experiment"))
    throw ConfigError("give either --references FOLDER or --experiment EXPERIMENT");
  const fs::path output = word_of(arguments, "output");
  if (!output.empty()) make_folder(output);  // before the work, not after it
  const Scored scored =
      against_folder ? score_against_folder(arguments, *registry) : score_against_experiment(arguments, *registry);
  for (const auto& id : scored.scores.missing) log_warning("no prediction for case " + id);
  for (const auto& id : scored.scores.unmatched) log_warning("no reference for prediction " + id);
  if (!output.empty()) {
    engine::write_metrics_csv(output / "metrics.csv", scored.scores.rows);
    engine::write_summary(output / "summary.json", scored.scores.rows, scored.scores.files);
  }
  print_scores(arguments, scored);
  return 0;
}

}  // namespace

Verb evaluate_verb() {
  return {"evaluate",
          "scores a folder of label maps against references or an experiment's test cases",
          "lamina evaluate PREDICTIONS (--references FOLDER | --experiment EXPERIMENT) [--output FOLDER]",
          "lamina evaluate labels --references labelsTs --metric dice,hd95",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("predictions", po::value<std::string>()->required(),
                "folder of label maps, CASE.nii.gz or any other image format");
            add("references", po::value<std::string>()->value_name("FOLDER"),
                "folder of label maps with the same names");
            add("experiment", po::value<std::string>()->value_name("EXPERIMENT"),
                "score against its test cases, with its metrics");
            add("metric",
                po::value<std::vector<std::string>>()->value_name("NAMES")->composing()->default_value({"dice,hd95"},
                                                                                                       "dice,hd95"),
                "metrics with --references: names with commas, or one entry as JSON; may be given again");
            add("empty", po::value<std::string>()->value_name("POLICY")->default_value("nnunet"),
                "what counts where a mask is empty: nnunet, monai, transunet or strict; with --experiment, instead of "
                "its own");
            add("output", po::value<std::string>()->value_name("FOLDER"), "write metrics.csv and summary.json there");
            add("allow-missing", "score what is there when predictions are missing");
            declare_experiment_options(options);
            declare_json(options);
            positional.add("predictions", 1);
          },
          evaluate};
}

}  // namespace lamina::cli
