// lamina weights convert and diff: weights from one file into another, and two files compared.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/weights/name_map.hpp"
#include "engine/weights/weights_diff.hpp"
#include "engine/weights/weights_file.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <cmath>
#include <map>

#include <torch/types.h>
#include <torch/utils.h>

namespace lamina::cli {
namespace {

constexpr const char* kKeep = "keep";
constexpr size_t kNamesShown = 12;

torch::ScalarType dtype_called(const std::string& name) {
  static const std::map<std::string, torch::ScalarType> known{
      {"f32", torch::kFloat32}, {"f16", torch::kFloat16}, {"bf16", torch::kBFloat16}};
  const auto found = known.find(name);
  if (found == known.end())
    throw ConfigError(text("--dtype '", name, "'", did_you_mean(name, {kKeep, "f32", "f16", "bf16"}),
                           "; expected keep, f32, f16 or bf16"));
  return found->second;
}

/// Whole numbers and truth values stay as they are; a value that becomes infinite is an error.
torch::Tensor cast(const std::string& name, const torch::Tensor& tensor, const std::string& dtype) {
  if (dtype == kKeep || !tensor.is_floating_point()) return tensor;
  const torch::Tensor result = tensor.to(dtype_called(dtype));
  if (result.isinf().sum().item<int64_t>() > tensor.isinf().sum().item<int64_t>())
    throw ConfigError(text("'", name, "' has values up to ", tensor.abs().max().item<double>(), ", which do not fit ",
                           dtype, "; take bf16 or f32"));
  return result;
}

void require_safetensors(const std::string& file) {
  if (std::filesystem::path(file).extension() == ".safetensors") return;
  throw ConfigError(text("'", file, "': lamina writes weights as .safetensors"));
}

int convert(const po::variables_map& arguments) {
  const std::string input = word_of(arguments, "input"), output = word_of(arguments, "output");
  const std::string dtype = word_of(arguments, "dtype");
  require_safetensors(output);
  if (dtype != kKeep) dtype_called(dtype);
  engine::WeightsFile file = engine::read_weights_file(input);
  const engine::Renamed renamed = engine::rename(file.tensors, word_of(arguments, "map"));
  StateDict tensors;
  for (const auto& [name, tensor] : renamed.state) tensors[name] = cast(name, tensor, dtype);
  file.metadata["format"] = "pt";  // what Python's readers look for
  write_safetensors(output, tensors, file.metadata);
  std::vector<std::string> aside = renamed.dropped;
  aside.insert(aside.end(), file.foreign.begin(), file.foreign.end());
  if (!aside.empty()) log_info(text(input, ": left aside: ", join_first(aside, kNamesShown)));
  ConfigNode node = ConfigNode::object();
  node.set("file", output);
  node.set("tensors", static_cast<int64_t>(tensors.size()));
  node.set("left_aside", static_cast<int64_t>(aside.size()));
  print(arguments, node, text(tensors.size(), " tensors written to ", output, "\n"));
  return 0;
}

// -- diff

std::string paragraph(const std::string& head, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  return text(head, " (", lines.size(), "):\n  ", join(lines, "\n  "), "\n");
}

std::vector<std::string> lines_of(const std::vector<engine::WeightsDiff::Pair>& pairs) {
  std::vector<std::string> lines;
  for (const auto& one : pairs) lines.push_back(text(one.name, "  ", one.a, "  ", one.b));
  return lines;
}

std::vector<std::string> lines_of(const std::vector<engine::WeightsDiff::Values>& values) {
  std::vector<std::string> lines;
  for (const auto& one : values) lines.push_back(text(one.name, "  ", one.count, " values, up to ", one.largest));
  return lines;
}

ConfigNode pairs_node(const std::vector<engine::WeightsDiff::Pair>& pairs) {
  ConfigNode list = ConfigNode::array();
  for (const auto& one : pairs) {
    ConfigNode node = ConfigNode::object();
    node.set("name", one.name);
    node.set("a", one.a);
    node.set("b", one.b);
    list.push_back(std::move(node));
  }
  return list;
}

ConfigNode values_node(const std::vector<engine::WeightsDiff::Values>& values) {
  ConfigNode list = ConfigNode::array();
  for (const auto& one : values) {
    ConfigNode node = ConfigNode::object();
    node.set("name", one.name);
    node.set("count", one.count);
    // JSON has no infinity and no NaN
    if (std::isfinite(one.largest)) {
      node.set("max_abs", one.largest);
    } else {
      node.set("max_abs", text(one.largest));
    }
    list.push_back(std::move(node));
  }
  return list;
}

ConfigNode node_of(const engine::WeightsDiff& diff) {
  ConfigNode node = ConfigNode::object();
  node.set("same", diff.none());
  node.set("equal", diff.equal);
  node.set("only_a", list_node(diff.only_a));
  node.set("only_b", list_node(diff.only_b));
  node.set("shapes", pairs_node(diff.shapes));
  node.set("dtypes", pairs_node(diff.types));
  node.set("values", values_node(diff.values));
  return node;
}

int compare_files(const po::variables_map& arguments) {
  const std::string first = word_of(arguments, "a"), second = word_of(arguments, "b");
  const StateDict a = engine::rename(engine::read_weights_file(first).tensors, word_of(arguments, "map-a")).state;
  const StateDict b = engine::rename(engine::read_weights_file(second).tensors, word_of(arguments, "map-b")).state;
  const engine::WeightsDiff diff = engine::diff_weights(a, b);
  const std::string words =
      text(paragraph("only in " + first, diff.only_a), paragraph("only in " + second, diff.only_b),
           paragraph("of another shape", lines_of(diff.shapes)), paragraph("of another type", lines_of(diff.types)),
           paragraph("of other values", lines_of(diff.values)), diff.equal, " tensors are equal\n");
  print(arguments, node_of(diff), words);
  return 0;
}

}  // namespace

Verb weights_convert_verb() {
  return {"weights convert",
          "writes the tensors of any file of weights as safetensors, under the file's names or lamina's",
          "lamina weights convert INPUT OUTPUT.safetensors [--map NAME] [--dtype f16]",
          "lamina weights convert sam_vit_b_01ec64.pth sam_vit_b.safetensors --dtype bf16",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("input", po::value<std::string>()->required(), "a .pth, a .safetensors file, or a checkpoint of a run");
            add("output", po::value<std::string>()->required(), "the .safetensors file to write");
            add("map", po::value<std::string>()->default_value("none")->value_name("NAME"),
                ("how names are translated: " + join(engine::name_maps())).c_str());
            add("dtype", po::value<std::string>()->default_value(kKeep)->value_name("TYPE"),
                "keep, f32, f16 or bf16: what floating-point tensors become");
            declare_json(options);
            positional.add("input", 1).add("output", 1);
          },
          convert};
}

Verb weights_diff_verb() {
  return {"weights diff",
          "compares two files of weights by name: what only one has, shapes, types, largest differences",
          "lamina weights diff A B [--map-a NAME] [--map-b NAME]",
          "lamina weights diff sam_vit_b_01ec64.pth sam_vit_b.safetensors",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("a", po::value<std::string>()->required(), "a .pth, a .safetensors file, or a checkpoint of a run");
            add("b", po::value<std::string>()->required(), "another one");
            add("map-a", po::value<std::string>()->default_value("none")->value_name("NAME"),
                "how the first one's names are translated");
            add("map-b", po::value<std::string>()->default_value("none")->value_name("NAME"),
                "how the second one's names are translated");
            declare_json(options);
            positional.add("a", 1).add("b", 1);
          },
          compare_files};
}

}  // namespace lamina::cli
