// lamina forward: one forward of a model on given tensors, every result by name. How anyone checks a method against its
// reference.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/run/device.hpp"
#include "engine/train/initial_model.hpp"
#include "engine/weights/name_map.hpp"
#include "engine/weights/pretrained.hpp"
#include "engine/weights/weights_file.hpp"

#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>
#include <lamina/model/session.hpp>
#include <lamina/model/weights.hpp>

namespace lamina::cli {
namespace {

/// "image" is the only stream of most methods and needs no prefix.
std::string prefix_of(const std::string& stream) { return stream == kPrimaryStream ? "" : stream + "."; }

class Collector {
 public:
  void add(const std::string& name, const torch::Tensor& tensor) {
    if (tensor.defined()) tensors.insert_or_assign(name, tensor.detach().cpu().contiguous());
  }

  void add(const Output& output, const std::string& prefix) {
    add(prefix + "classes", output.classes);
    add(prefix + "low_res", output.low_res);
    add(prefix + "quality", output.quality);
    add(prefix + "query_masks", output.query_masks);
    add(prefix + "query_classes", output.query_classes);
    add(prefix + "image_index", output.image_index);
    for (size_t i = 0; i < output.stages.size(); ++i) add(output.stages[i], text(prefix, "stages.", i, "."));
  }

  void add(const Prompts& prompts, const std::string& prefix) {
    add(prefix + "image_index", prompts.image_index);
    add(prefix + "class_id", prompts.class_id);
    add(prefix + "points", prompts.points);
    add(prefix + "point_labels", prompts.point_labels);
    add(prefix + "boxes", prompts.boxes);
    add(prefix + "mask_logits", prompts.mask_logits);
    add(prefix + "sparse", prompts.sparse);
    add(prefix + "dense", prompts.dense);
    add(prefix + "class_tokens", prompts.class_tokens);
  }

  TensorDict tensors;
};

/// Prompts that stand beside the image, for the prompter `given`.
Streams<Prompts> prompts_of(const TensorDict& input, torch::Device device) {
  bool any = false;
  const auto take = [&](const char* name, torch::Dtype type) {
    const auto found = input.find(name);
    if (found == input.end()) return torch::Tensor();
    any = true;
    return found->second.to(device, type);
  };
  Prompts prompts;
  prompts.image_index = take("image_index", torch::kInt64);
  prompts.class_id = take("class_id", torch::kInt64);
  prompts.points = take("points", torch::kFloat32);
  prompts.point_labels = take("point_labels", torch::kInt64);
  prompts.boxes = take("boxes", torch::kFloat32);
  prompts.mask_logits = take("masks", torch::kFloat32);
  return any ? Streams<Prompts>(prompts) : Streams<Prompts>();
}

/// `image` of the file, and its prompts, as the session's batch.
Batch batch_of(const TensorDict& input, const std::string& file, torch::Device device) {
  const auto image = input.find("image");
  if (image == input.end()) throw DataError(file + " has no tensor 'image'; expected [B, C, D, H, W]");
  if (image->second.dim() != 5)
    throw DataError(text(file, ": 'image' has ", image->second.dim(), " axes; expected [B, C, D, H, W]"));
  const torch::Tensor voxels = image->second.to(device, torch::kFloat32);
  const auto sizes = voxels.sizes();
  Batch batch;
  batch.images = Streams<torch::Tensor>(voxels);
  batch.prompts = prompts_of(input, device);
  for (int64_t row = 0; row < sizes[0]; ++row) {
    batch.ids.push_back(std::to_string(row));
    batch.geometry.emplace_back();
    batch.valid.push_back({{0, 0, 0}, {sizes[2], sizes[3], sizes[4]}});
    batch.sample.push_back(row);
  }
  return batch;
}

TensorDict run_session(Model& model, Batch batch) {
  const torch::NoGradGuard no_grad;
  Collector collector;
  Session session(model, Mode::Infer);
  session.encode(std::move(batch));
  for (const auto& [stream, prompts] : session.prompt()) collector.add(prompts, "prompts." + prefix_of(stream));
  const Prediction prediction = session.decode();
  for (const auto& [stream, features] : session.scene().features) {
    for (const auto& [name, tensor] : features.items()) collector.add("features." + prefix_of(stream) + name, tensor);
  }
  for (const auto& [name, tensor] : prediction.aux) collector.add("aux." + name, tensor);
  for (const auto& [stream, output] : prediction.outputs) collector.add(output, "output." + prefix_of(stream));
  return collector.tensors;
}

/// Tensors by name, or a run's checkpoint: then the weights that it predicts with.
std::shared_ptr<Model> model_with(const std::string& weights, const std::string& map,
                                  const engine::Experiment& experiment, const Registry& registry) {
  const DatasetInfo dataset = engine::open_dataset(experiment, registry)->info();
  if (engine::weights_format(weights) == engine::WeightsFormat::Checkpoint) {
    auto model = engine::initial_model(experiment, dataset, registry);
    engine::restore_weights(*model, engine::read_checkpoint(weights), engine::Weights::Averaged);
    return model;
  }
  auto model = engine::build_model(experiment, dataset, registry);
  engine::WeightsEntry entry;
  entry.file = weights;
  entry.map = map;
  load_state_strictly(*model, engine::read_pretrained(*model, entry, {}).state, weights);
  return model;
}

int forward(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto experiment = load_experiment(arguments, *registry);
  const auto device = engine::use_runtime(experiment.options().runtime);
  const std::string input = word_of(arguments, "input");
  const auto model = model_with(word_of(arguments, "weights"), word_of(arguments, "map"), experiment, *registry);
  model->to(device);
  model->set_mode(Mode::Infer);
  const auto results = run_session(*model, batch_of(read_safetensors(input).tensors, input, device));
  write_safetensors(word_of(arguments, "output"), results);
  ConfigNode list = ConfigNode::object();
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, tensor] : results) {
    const std::string shape = "[" + join(tensor.sizes().vec()) + "]";
    rows.push_back({name, shape});
    list.set(name, ConfigNode::parse(shape));
  }
  print(arguments, list, table(rows));
  return 0;
}

}  // namespace

Verb forward_verb() {
  return {"forward",
          "runs a model once on given tensors and writes every feature, prompt and output by name",
          "lamina forward EXPERIMENT --weights FILE --input FILE --output FILE",
          "lamina forward phantom --weights weights.safetensors --input image.safetensors --output results.safetensors",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            auto add = options.add_options();
            add("weights", po::value<std::string>()->required()->value_name("FILE"),
                "every parameter and buffer by name (.pth or .safetensors), nothing may miss or be left over; or a "
                "checkpoint of a run");
            add("map", po::value<std::string>()->default_value("none")->value_name("NAME"),
                ("how names in the file are translated: " + join(engine::name_maps())).c_str());
            add("input", po::value<std::string>()->required()->value_name("FILE"),
                "safetensors with `image` [B, C, D, H, W]; for the prompter 'given' also `points` [N, P, 2], "
                "`point_labels` [N, P], "
                "`boxes` [N, 4], `masks` [N, 1, h, w], `image_index` [N], `class_id` [N]");
            add("output", po::value<std::string>()->required()->value_name("FILE"), "safetensors to write");
          },
          forward};
}

}  // namespace lamina::cli
