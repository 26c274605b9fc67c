// What trains is said by globs over parameter names, nowhere else.
#include <lamina/base/error.hpp>
#include <lamina/base/glob.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/trainable.hpp>

#include <algorithm>

#include <torch/nn/module.h>

namespace lamina {
namespace {

// Names with their last segment left out, each once: "encoder.stages.0.0.convs.0.conv" stands for weight and bias.
std::vector<std::string> suggestions(const std::vector<std::string>& names) {
  std::vector<std::string> result;
  for (const auto& name : names) {
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      const std::string glob = name.substr(0, dot) + ".**";
      if (std::find(result.begin(), result.end(), glob) == result.end()) result.push_back(glob);
    }
    result.push_back(name);
  }
  return result;
}

[[noreturn]] void refuse(const std::string& pattern, size_t index, const std::vector<std::string>& names) {
  std::vector<std::string> rooms;
  for (const auto& name : names) {
    const std::string room = split(name, '.').front() + ".**";
    if (std::find(rooms.begin(), rooms.end(), room) == rooms.end()) rooms.push_back(room);
  }
  throw ConfigError(text("train.trainable[", index, "]: '", pattern, "' matches no parameter",
                         did_you_mean(pattern, suggestions(names)),
                         "; the model has: ", rooms.empty() ? "no parameters" : join(rooms)));
}

}  // namespace

void set_trainable(torch::nn::Module& model, const std::vector<std::string>& globs) {
  const auto parameters = model.named_parameters();
  std::vector<bool> chosen(parameters.size(), false);
  for (size_t g = 0; g < globs.size(); ++g) {
    const Glob glob(globs[g]);
    bool any = false;
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (!glob.matches(parameters[i].key())) continue;
      chosen[i] = any = true;
    }
    if (!any) refuse(globs[g], g, parameters.keys());
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor parameter = parameters[i].value();
    if (parameter.is_floating_point()) parameter.set_requires_grad(chosen[i]);
  }
}

std::vector<ParameterCount> count_parameters(const torch::nn::Module& model) {
  std::vector<ParameterCount> counts;
  for (const char* room : {"encoder", "adapters", "prompter", "decoder", "total"}) counts.push_back({room, 0, 0});
  for (const auto& item : model.named_parameters()) {
    const std::string room = split(item.key(), '.').front();
    for (auto& count : counts) {
      if (count.room != room && count.room != "total") continue;
      count.total += item.value().numel();
      if (item.value().requires_grad()) count.trainable += item.value().numel();
    }
  }
  return counts;
}

}  // namespace lamina
