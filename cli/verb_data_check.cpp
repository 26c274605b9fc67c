// lamina data check: reads every case of an experiment's dataset and says what is wrong with it.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/data/check.hpp"

#include <lamina/base/error.hpp>

namespace lamina::cli {
namespace {

int data_check(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto experiment = load_experiment(arguments, *registry);
  engine::DataCheckOptions options;
  options.thumbnails = word_of(arguments, "pictures");
  if (arguments.contains("threads")) options.threads = arguments["threads"].as<int64_t>();
  const auto result = engine::check_data(*engine::open_dataset(experiment, *registry), options);
  print(arguments, result.to_json(), result.to_text());
  return result.usable() ? 0 : DataError("").exit_code();
}

}  // namespace

Verb data_check_verb() {
  return {"data check",
          "reads every case of an experiment's dataset and says what is wrong with it",
          "lamina data check EXPERIMENT [--set PATH=VALUE ...] [--pictures FOLDER]",
          "lamina data check phantom",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            options.add_options()("pictures", po::value<std::string>()->value_name("FOLDER"),
                                  "write slices with the outlines of their labels there");
          },
          data_check};
}

}  // namespace lamina::cli
