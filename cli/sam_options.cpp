#include "sam_options.hpp"

#include "engine/run/device.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lamina::cli {

void declare_sam(po::options_description& options) {
  auto add = options.add_options();
  add("weights", po::value<std::string>()->value_name("FILE"), "SAM's own .pth file, or safetensors");
  add("model", po::value<std::string>()->value_name("NAME"),
      (join(engine::sam_models()) +
       ", or a JSON file with an experiment's `model` section; default: what the weights are of")
          .c_str());
  add("map", po::value<std::string>()->value_name("NAME"),
      "how names in the file are translated; default: by the map that knows them");
  add("size", po::value<int64_t>()->value_name("N")->default_value(1024),
      "pixels along the longer side of what the encoder sees; SAM was trained at 1024, 256 is 20 times faster");
  add("seed", po::value<uint64_t>()->value_name("N"), "random weights instead of a file: shapes without sense");
  add("device", po::value<std::string>()->value_name("DEVICE"), "auto (default), cpu or cuda");
  add("threads", po::value<int64_t>()->value_name("N"), "threads for arithmetic; 0: all cores");
}

engine::SamChoice sam_choice(const po::variables_map& arguments) {
  engine::RuntimeSection runtime;
  if (arguments.contains("device")) runtime.device = word_of(arguments, "device");
  if (arguments.contains("threads")) runtime.threads = arguments["threads"].as<int64_t>();
  engine::SamChoice choice;
  choice.device = engine::use_runtime(runtime);
  choice.model = word_of(arguments, "model");
  choice.weights = word_of(arguments, "weights");
  choice.map = word_of(arguments, "map");
  choice.square = arguments["size"].as<int64_t>();
  if (arguments.contains("seed")) choice.seed = arguments["seed"].as<uint64_t>();
  constexpr int64_t kLargest = 4096;
  if (choice.square < 1 || choice.square > kLargest)
    throw ConfigError(text("--size is ", choice.square, "; expected 1 to ", kLargest));
  return engine::settled(choice);
}

void declare_window(po::options_description& options) {
  auto add = options.add_options();
  add("window", po::value<std::string>()->value_name("CENTRE,WIDTH"),
      "grey levels that are told apart: 40,400 for soft tissue in CT");
  add("percentiles", po::value<std::string>()->value_name("LOW,HIGH")->default_value("0.5,99.5"),
      "without --window: shares of voxels, in percent, that become black and white");
  add("neighbours", "red, green and blue are the slice before, the slice, the slice behind");
}

engine::GreyWindow window_of(const po::variables_map& arguments) {
  engine::GreyWindow window;
  const auto pair = [&](const std::string& option) {
    const auto numbers = numbers_of(word_of(arguments, option), "--" + option, {2});
    return std::array<double, 2>{numbers[0], numbers[1]};
  };
  if (arguments.contains("window")) window.window = pair("window");
  window.percentiles = pair("percentiles");
  window.neighbours = arguments.contains("neighbours");
  return window;
}

std::vector<double> numbers_of(const std::string& words, const std::string& option, const std::vector<size_t>& counts) {
  std::vector<double> numbers;
  bool good = true;
  for (const auto& word : split(words, ',')) {
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    good = good && error == std::errc() && end == word.data() + word.size() && std::isfinite(number);
    numbers.push_back(number);
  }
  if (good && std::find(counts.begin(), counts.end(), numbers.size()) != counts.end()) return numbers;
  throw ConfigError(
      text(option, ": got '", words, "'; expected ", join(counts, " or "), " numbers with commas between"));
}

}  // namespace lamina::cli
