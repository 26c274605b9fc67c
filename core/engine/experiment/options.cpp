// Declares the options of every section of an experiment.
#include "engine/experiment/options.hpp"

#include "engine/weights/name_map.hpp"

#include <lamina/base/text.hpp>

namespace lamina::engine {

ConfigNode component_entry(const std::string& name) {
  ConfigNode entry = ConfigNode::object();
  entry.set("type", name);
  return entry;
}

void ModelSection::bind(OptionBinder& o) {
  o.component("encoder", encoder, "backbone", "The encoder");
  o.components("adapters", adapters, "adapter", "What is injected at sites of encoder, prompter and decoder");
  o.component("prompter", prompter, "prompter", "Where prompts come from");
  o.component("decoder", decoder, "decoder", "From features and prompts to classes");
}

void WeightsEntry::bind(OptionBinder& o) {
  o.field("file", file, "Pretrained weights: a .pth of torch.save, a .safetensors file, or a checkpoint of a run",
          Required{});
  OneOf maps{};
  maps.choices = name_maps();
  o.field("map", map, "How names are translated", maps);
  o.field("strict", strict, "Refuse weights that leave parameters of the mapped rooms unset or go unused");
  o.field("skip", skip, "Globs over parameter names that this file does not fill, and that nobody misses there");
}

void CheckpointSection::bind(OptionBinder& o) {
  o.field("rule", rule, "Which checkpoint predicts: the best on validation cases, or the last", OneOf{"best", "last"});
  o.field("metric", metric, "Metric that decides the best", OneOf{"dice", "loss"});
  o.field("contents", contents, "Keep all parameters, or the trainable ones only", OneOf{"all", "trainable"});
  o.field("every", every, "Epochs between checkpoints", AtLeast{1});
}

void StopSection::bind(OptionBinder& o) {
  o.field("rule", rule,
          "median: a run of a study ends early when its best validation score is behind the median of the runs with "
          "earlier seeds; none: never",
          OneOf{"none", "median"});
  o.field("after", after, "Share of the epochs that every run gets", Range{0, 1});
}

void TrainSection::bind(OptionBinder& o) {
  o.field("trainable", trainable, "Globs over parameter names; nothing else trains", Required{});
  o.field("patch", patch, "Patch size, z y x; z = 1 makes a 2D network", AtLeast{1}, Required{});
  o.field("batch", batch, "Patches per step", AtLeast{1});
  o.field("epochs", epochs, "Epochs", AtLeast{0});
  o.field("iterations", iterations, "Optimizer steps per epoch", AtLeast{1});
  o.field("accumulate", accumulate, "Batches per optimizer step", AtLeast{1});
  o.component("optimizer", optimizer, "optimizer", "Who updates the weights");
  o.component("schedule", schedule, "schedule", "The learning rate over time");
  o.field("clip", clip, "Largest norm of the gradient; null: no clipping", AtLeast{0});
  o.field("ema", ema, "Decay of the moving average of weights that predicts; null: none", Range{0, 1});
  o.field("amp", amp, "Mixed precision", OneOf{"none", "bf16"});
  o.field("foreground", foreground, "Share of patches centred on a foreground voxel", Range{0, 1});
  o.field("validate_every", validate_every, "Epochs between validations on whole volumes", AtLeast{1});
  o.field("validation_cases", validation_cases, "At most so many validation cases each time; 0: all", AtLeast{0});
  o.group("checkpoint", checkpoint, "What is kept");
  o.group("stop", stop, "When a run of a study ends early");
}

void TrainSection::check(OptionErrors& errors, const std::string& where) const {
  if (patch.size() != 3) errors.add(where + ".patch", "expected three sizes (z, y, x)");
}

void EvaluateSection::bind(OptionBinder& o) {
  o.components("metrics", metrics, "metric", "How predictions are scored");
  o.field("empty", empty, "What counts where a mask is empty", OneOf{"nnunet", "monai", "transunet", "strict"});
}

void RuntimeSection::bind(OptionBinder& o) {
  o.field("device", device, "Where tensors live", OneOf{"auto", "cpu", "cuda"});
  o.field("threads", threads, "Threads for arithmetic; 0: all cores", AtLeast{0});
  o.field("workers", workers, "Threads that read and augment patches", AtLeast{0});
  o.field("encoder_cache", encoder_cache,
          "Keep a frozen encoder's features on disk; auto: where patches repeat, on: or say what stands in the way",
          OneOf{"auto", "on", "off"});
  o.field("encoder_cache_gib", encoder_cache_gib, "Room on disk for the features of all encoders, in GiB", AtLeast{0});
  o.field("tensorboard", tensorboard, "Write the curves for TensorBoard too, into the run folder's tensorboard/");
}

void ExperimentOptions::bind(OptionBinder& o) {
  o.field("schema", schema, "Version of this vocabulary", Range{1, 1});
  o.field("name", name, "Name of the experiment; the file's own name when left out");
  o.component("dataset", dataset, "dataset", "Where cases come from");
  o.components("prepare", prepare, "transform", "Deterministic steps, cached on disk");
  o.components("augment", augment, "transform", "Random steps on training patches");
  o.group("model", model, "Encoder, adapters, prompter, decoder");
  o.field("weights", weights_list, "Pretrained weights: a list of {file, map, strict, skip}");
  o.group("train", train, "What trains, on which patches, for how long");
  o.component("loss", loss, "loss", "What training minimises");
  o.component("infer", infer, "inferer", "How a whole case is covered by patches");
  o.components("postprocess", postprocess, "postprocess", "What happens to a label map after prediction");
  o.group("evaluate", evaluate, "How predictions are scored");
  o.field("seed", seed, "Everything random follows from it", AtLeast{0});
  o.group("runtime", runtime, "Where and how it runs; no part of an experiment's identity");
}

void ExperimentOptions::read_weights(OptionErrors& errors) {
  weights.clear();
  if (!weights_list.is_array()) {
    errors.add("weights", text("expected a list of {\"file\": ..., \"map\": ...}, got ", weights_list.type_name()));
    return;
  }
  ConfigNode full = ConfigNode::array();
  for (size_t i = 0; i < weights_list.size(); ++i) {
    WeightsEntry entry;
    parse_options(entry, weights_list.at(i), text("weights[", i, "]"), errors);
    full.push_back(dump_options(entry));
    weights.push_back(std::move(entry));
  }
  weights_list = full;
}

}  // namespace lamina::engine
