// Loading parameters by name, with a full account.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/weights.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr size_t kNamesShown = 12;

std::string shape_text(const torch::Tensor& tensor) { return text("[", join(tensor.sizes()), "]"); }

LoadReport compare(const StateDict& model, const StateDict& state) {
  LoadReport report;
  for (const auto& [name, tensor] : model) {
    const auto found = state.find(name);
    if (found == state.end()) {
      report.missing.push_back(name);
    } else if (found->second.sizes() != tensor.sizes()) {
      report.mismatched.push_back(text(name, ": file ", shape_text(found->second), ", model ", shape_text(tensor)));
    } else {
      report.loaded.push_back(name);
    }
  }
  for (const auto& [name, tensor] : state) {
    if (!model.contains(name)) report.unexpected.push_back(name);
  }
  return report;
}

void copy(const StateDict& model, const StateDict& state, const LoadReport& report) {
  torch::NoGradGuard no_grad;
  for (const auto& name : report.loaded) {
    torch::Tensor target = model.at(name);
    target.copy_(state.at(name));
  }
}

std::string paragraph(const std::string& head, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  return text("\n  ", head, " (", names.size(), "): ", join_first(names, kNamesShown));
}

}  // namespace

StateDict state_of(const torch::nn::Module& module) {
  StateDict state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) {
    if (item.value().defined()) state[item.key()] = item.value();
  }
  return state;
}

std::string LoadReport::summary() const {
  return text(loaded.size(), " loaded, ", resized.size(), " resized, ", missing.size(), " new, ", unexpected.size(),
              " ignored, ", mismatched.size(), " of another shape");
}

LoadReport load_state(torch::nn::Module& module, const StateDict& state) {
  const StateDict model = state_of(module);
  LoadReport report = compare(model, state);
  copy(model, state, report);
  return report;
}

void load_state_strictly(torch::nn::Module& module, const StateDict& state, const std::string& origin) {
  const StateDict model = state_of(module);
  const LoadReport report = compare(model, state);
  if (!report.complete()) {
    throw ConfigError(text(
        origin, " does not fit this model (", report.summary(), ")", paragraph("missing in the file", report.missing),
        paragraph("unknown to the model", report.unexpected), paragraph("of another shape", report.mismatched)));
  }
  copy(model, state, report);
}

}  // namespace lamina
