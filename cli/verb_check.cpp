// lamina check: builds the model, counts, and runs one made-up batch forward and backward; needs no case of the
// dataset.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/run/device.hpp"
#include "engine/run/peak_memory.hpp"
#include "engine/weights/pretrained.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/glob.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/session.hpp>
#include <lamina/nn/random_tensor.hpp>
#include <lamina/objective/loss.hpp>

#include <chrono>

namespace lamina::cli {
namespace {

/// Noise with random labels: finds what does not fit together, says nothing about learning.
Batch made_up_batch(const engine::Experiment& experiment, const DatasetInfo& info, torch::Device device) {
  const auto patch = experiment.patch();
  const int64_t rows = experiment.options().train.batch, channels = static_cast<int64_t>(info.channels.size());
  auto generator = torch::make_generator<torch::CPUGeneratorImpl>(experiment.seed());
  Batch batch;
  batch.images =
      Streams<torch::Tensor>(torch::randn({rows, channels, patch[0], patch[1], patch[2]}, generator).to(device));
  const auto classes = static_cast<int64_t>(info.classes.size());
  batch.labels = Streams<torch::Tensor>(
      torch::randint(classes, {rows, 1, patch[0], patch[1], patch[2]}, generator, torch::kInt64).to(device));
  batch.ignore = info.ignore;
  for (int64_t row = 0; row < rows; ++row) {
    batch.ids.push_back(text("made-up ", row));
    batch.geometry.emplace_back();
    batch.valid.push_back({{0, 0, 0}, patch});
    batch.sample.push_back(row);
  }
  return batch;
}

struct StepResult {
  double seconds = 0, loss = 0;
  int64_t peak_memory = 0;
  std::vector<std::string> without_gradient;  // trainable, yet the loss does not reach them
};

torch::Tensor total_of(const std::vector<LossTerm>& terms) {
  torch::Tensor total;
  for (const auto& term : terms) total = total.defined() ? total + term.weight * term.value : term.weight * term.value;
  return total;
}

StepResult run_step(const engine::Experiment& experiment, Model& model, const DatasetInfo& info, torch::Device device,
                    const Registry& registry) {
  const LossSetup setup{static_cast<int64_t>(info.classes.size()), info.ignore};
  const auto loss = registry.create<Loss>(experiment.options().loss, "loss", setup);
  loss->to(device);
  const Batch batch = made_up_batch(experiment, info, device);
  model.to(device);
  model.set_mode(Mode::Train);
  engine::reset_peak_memory();
  const auto start = std::chrono::steady_clock::now();
  LossContext context;
  context.generator = torch::make_generator<torch::CPUGeneratorImpl>(experiment.seed());
  const torch::Tensor total = total_of(loss->compute(forward(model, Mode::Train, batch), batch, context));
  StepResult result;
  result.loss = total.item<double>();
  if (total.requires_grad()) total.backward();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.peak_memory = engine::peak_memory();
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad() && !item.value().grad().defined()) result.without_gradient.push_back(item.key());
  }
  return result;
}

/// Parameters whose names match; ConfigError where none does.
ParameterCount count_matching(const Model& model, const std::string& glob) {
  ParameterCount count{glob};
  const Glob wanted(glob);
  for (const auto& item : model.named_parameters()) {
    if (!wanted.matches(item.key())) continue;
    count.total += item.value().numel();
    if (item.value().requires_grad()) count.trainable += item.value().numel();
  }
  if (count.total > 0) return count;
  throw ConfigError(text("--count '", glob, "' matches no parameter; `lamina weights names` lists them"));
}

/// What is asked for; rooms, and under "adapters" each of them.
std::vector<ParameterCount> counts_of(const Model& model, const std::vector<std::string>& globs) {
  std::vector<ParameterCount> counts;
  for (const auto& glob : globs) counts.push_back(count_matching(model, glob));
  for (const auto& room : count_parameters(model)) {
    counts.push_back(room);
    if (room.room != "adapters") continue;
    for (const auto& adapter : model.named_children()["adapters"]->named_children()) {
      ParameterCount own = count_parameters(*adapter.value()).back();
      own.room = "adapters." + adapter.key();
      counts.push_back(own);
    }
  }
  return counts;
}

double training_estimate(const engine::Experiment& experiment, const StepResult& step) {
  const auto& train = experiment.options().train;
  return step.seconds * static_cast<double>(train.epochs * train.iterations * train.accumulate);
}

ConfigNode to_node(const engine::Experiment& experiment, const std::vector<ParameterCount>& counts,
                   const StepResult& step) {
  ConfigNode node = ConfigNode::object(), rooms = ConfigNode::object(), lost = ConfigNode::array();
  for (const auto& count : counts) {
    ConfigNode room = ConfigNode::object();
    room.set("trainable", count.trainable);
    room.set("total", count.total);
    rooms.set(count.room, std::move(room));
  }
  for (const auto& name : step.without_gradient) {
    ConfigNode entry = ConfigNode::object();
    entry.set("name", name);
    lost.push_back(std::move(entry));
  }
  node.set("parameters", std::move(rooms));
  node.set("without_gradient", std::move(lost));
  node.set("step_seconds", step.seconds);
  node.set("training_seconds", training_estimate(experiment, step));
  node.set("peak_memory_bytes", step.peak_memory);
  node.set("loss", step.loss);
  return node;
}

std::string check_text(const engine::Experiment& experiment, const Model& model,
                       const std::vector<ParameterCount>& counts, const StepResult& step) {
  std::vector<std::vector<std::string>> rows{{"room", "trains", "all parameters"}};
  for (const auto& count : counts)
    rows.push_back({count.room, std::to_string(count.trainable), std::to_string(count.total)});
  std::string words = table(rows) + "\n";
  std::vector<std::vector<std::string>> sites{{"site", "adapters"}};
  for (const auto& use : model.site_uses()) {
    if (!use.adapters.empty()) sites.push_back({use.path, join(use.adapters)});
  }
  if (sites.size() > 1) words += table(sites) + "\n";
  const auto& train = experiment.options().train;
  return text(words, "one step on made-up data (patch ", join(experiment.patch(), " x "), ", batch ", train.batch,
              "): ", human_seconds(step.seconds), ", peak memory ", human_bytes(step.peak_memory),
              "\ntraining, without reading and validation: about ", human_seconds(training_estimate(experiment, step)),
              " for ", train.epochs, " epochs of ", train.iterations, " steps\n");
}

/// Weights that are there must fit; big ones may still have to be fetched.
void load_weights(const engine::Experiment& experiment, Model& model) {
  for (const auto& entry : experiment.options().weights) {
    if (std::filesystem::exists(engine::weights_file(entry, experiment.folder()))) {
      engine::load_pretrained(model, entry, experiment.folder());
    } else {
      log_warning(text("weights: there is no ", entry.file, " yet; the check goes on with random values"));
    }
  }
}

int check(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto experiment = load_experiment(arguments, *registry);
  const auto device = engine::use_runtime(experiment.options().runtime);
  const DatasetInfo info = engine::open_dataset(experiment, *registry)->info();
  const auto model = engine::build_model(experiment, info, *registry);
  load_weights(experiment, *model);
  const auto counts = counts_of(*model, words_of(arguments, "count"));
  run_step(experiment, *model, info, device, *registry);  // the first step pays for set-up
  const StepResult step = run_step(experiment, *model, info, device, *registry);
  if (!step.without_gradient.empty()) {
    constexpr size_t kShown = 6;
    log_warning(text(step.without_gradient.size(), " trainable parameters get no gradient: ",
                     join_first(step.without_gradient, kShown), "; --json lists all"));
  }
  print(arguments, to_node(experiment, counts, step), check_text(experiment, *model, counts, step));
  return 0;
}

}  // namespace

Verb check_verb() {
  return {"check",
          "builds an experiment's model, counts parameters and tries one step on made-up data",
          "lamina check EXPERIMENT [--set PATH=VALUE ...]",
          "lamina check phantom",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            options.add_options()("count", po::value<std::vector<std::string>>()->value_name("GLOB")->composing(),
                                  "also counts the parameters whose names match; may be given again");
          },
          check};
}

}  // namespace lamina::cli
