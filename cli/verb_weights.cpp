// lamina weights: what a weights file holds, and what an experiment's model is made of.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/weights/printable.hpp"
#include "engine/weights/weights_kind.hpp"

#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <map>
#include <numeric>

namespace lamina::cli {
namespace {

struct NamedTensor {
  TensorEntry entry;
  std::string use;  // "trains", "frozen", "buffer"; "" in a file
};

std::string shape_text(const std::vector<int64_t>& shape) { return "[" + join(shape) + "]"; }

ConfigNode to_node(const NamedTensor& one) {
  ConfigNode node = ConfigNode::object();
  node.set("name", one.entry.name);
  node.set("dtype", one.entry.dtype);
  node.set("shape", ConfigNode::parse(shape_text(one.entry.shape)));
  if (!one.use.empty()) node.set("use", one.use);
  return node;
}

ConfigNode list_of(const std::vector<NamedTensor>& all) {
  ConfigNode list = ConfigNode::array();
  for (const auto& one : all) list.push_back(to_node(one));
  return list;
}

std::string table_of(const std::vector<NamedTensor>& all) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : all)
    rows.push_back({engine::printable(one.entry.name), shape_text(one.entry.shape), one.entry.dtype, one.use});
  return table(rows);
}

int64_t count(const TensorEntry& entry) {
  return std::accumulate(entry.shape.begin(), entry.shape.end(), int64_t{1}, std::multiplies<>());
}

/// "312 F32, 2 I64"
std::string words_of_types(const std::map<std::string, int64_t>& types) {
  std::vector<std::string> words;
  for (const auto& [type, tensors] : types) words.push_back(text(tensors, " ", type));
  return join(words);
}

int inspect(const po::variables_map& arguments) {
  const engine::WeightsList list = engine::list_weights_file(word_of(arguments, "file"));
  const engine::WeightsKind kind = engine::kind_of(list);
  std::vector<NamedTensor> all;
  std::map<std::string, int64_t> types;
  int64_t values = 0;
  for (const auto& entry : list.tensors) {
    all.push_back({entry, ""});
    ++types[entry.dtype];
    values += count(entry);
  }
  ConfigNode node = ConfigNode::object(), facts = ConfigNode::object(), by_type = ConfigNode::object();
  std::string lines;
  for (const auto& [key, value] : list.metadata) {
    facts.set(key, value);
    lines += text("metadata ", key, ": ", value, "\n");
  }
  for (const auto& [type, tensors] : types) by_type.set(type, tensors);
  node.set("tensors", list_of(all));
  node.set("metadata", std::move(facts));
  node.set("dtypes", std::move(by_type));
  node.set("values", values);
  node.set("variant", kind.variant);
  node.set("map", kind.map);
  node.set("foreign", list_node(kind.foreign));
  constexpr size_t kShown = 12;
  const std::string foreign = kind.foreign.empty() ? "nothing" : join_first(kind.foreign, kShown);
  print(arguments, node,
        text(table_of(all), lines, all.size(), " tensors, ", values, " values (", words_of_types(types),
             ")\nvariant: ", kind.variant, "\nmap: ", kind.map, "\nforeign: ", foreign, "\n"));
  return 0;
}

TensorEntry entry_of(const std::string& name, const torch::Tensor& tensor) {
  return {name, torch::toString(tensor.scalar_type()), tensor.sizes().vec()};
}

int names(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto experiment = load_experiment(arguments, *registry);
  const auto model = engine::build_model(experiment, engine::open_dataset(experiment, *registry)->info(), *registry);
  std::vector<NamedTensor> all;
  for (const auto& item : model->named_parameters()) {
    all.push_back({entry_of(item.key(), item.value()), item.value().requires_grad() ? "trains" : "frozen"});
  }
  for (const auto& item : model->named_buffers()) all.push_back({entry_of(item.key(), item.value()), "buffer"});
  print(arguments, list_of(all), table_of(all));
  return 0;
}

}  // namespace

Verb weights_inspect_verb() {
  return {"weights inspect",
          "says what a file of weights is and holds: variant, map, names, shapes, types, what is foreign",
          "lamina weights inspect FILE",
          "lamina weights inspect sam_vit_b_01ec64.pth",
          [](po::options_description& options, po::positional_options_description& positional) {
            options.add_options()("file", po::value<std::string>()->required(),
                                  "a .pth of torch.save, a .safetensors file or a checkpoint");
            declare_json(options);
            positional.add("file", 1);
          },
          inspect};
}

Verb weights_names_verb() {
  return {"weights names",
          "lists name, shape and type of an experiment's parameters, and which of them train",
          "lamina weights names EXPERIMENT [--set PATH=VALUE ...]",
          "lamina weights names phantom",
          declare_experiment,
          names};
}

}  // namespace lamina::cli
