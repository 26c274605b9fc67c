#include <lamina/base/error.hpp>
#include <lamina/nn/checkpoint.hpp>

#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace lamina::nn {
namespace {

using torch::autograd::edge_list;
using torch::autograd::Node;
using torch::autograd::variable_list;

/// States of the generators that an operator on `device` may draw from.
class RandomState {
 public:
  explicit RandomState(const torch::Device& device) {
    remember(at::globalContext().defaultGenerator(torch::kCPU));
    if (device.type() != torch::kCPU) remember(at::globalContext().defaultGenerator(device));
  }
  void restore() {
    for (auto& [generator, state] : states_) {
      const std::lock_guard<std::mutex> lock(generator.mutex());
      generator.set_state(state);
    }
  }

 private:
  void remember(torch::Generator generator) {
    const std::lock_guard<std::mutex> lock(generator.mutex());
    torch::Tensor state = generator.get_state();
    states_.emplace_back(std::move(generator), std::move(state));
  }
  std::vector<std::pair<torch::Generator, torch::Tensor>> states_;
};

/// Autocast of one kind of device, as it was when this was made.
struct Precision {
  explicit Precision(const torch::Device& device)
      : type(device.type()),
        enabled(at::autocast::is_autocast_enabled(type)),
        lower(at::autocast::get_autocast_dtype(type)) {}
  void apply() const {
    at::autocast::set_autocast_enabled(type, enabled);
    at::autocast::set_autocast_dtype(type, lower);
  }
  c10::DeviceType type;
  bool enabled;
  torch::ScalarType lower;
};

/// Brings back the first run's random numbers and precision for its lifetime.
class AsInFirstRun {
 public:
  AsInFirstRun(RandomState& random, const Precision& precision, const torch::Device& device)
      : random_before_(device), precision_before_(device) {
    random.restore();
    precision.apply();
    at::autocast::increment_nesting();
  }
  ~AsInFirstRun() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    precision_before_.apply();
    random_before_.restore();
  }
  AsInFirstRun(const AsInFirstRun&) = delete;
  AsInFirstRun& operator=(const AsInFirstRun&) = delete;

 private:
  RandomState random_before_;
  Precision precision_before_;
};

/// The parameters that `output` was computed from, each once, without `input`; in an order that repeats.
std::vector<torch::Tensor> leaves_of(const torch::Tensor& output, const torch::Tensor& input) {
  std::vector<torch::Tensor> leaves;
  std::vector<Node*> open{output.grad_fn().get()};
  std::unordered_set<Node*> seen(open.begin(), open.end());
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    if (const auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(node)) {
      if (!leaf->variable.is_same(input)) leaves.push_back(leaf->variable);
    }
    for (const auto& edge : node->next_edges()) {
      if (edge.function && seen.insert(edge.function.get()).second) open.push_back(edge.function.get());
    }
  }
  return leaves;
}

/// A leaf with the values of `tensor`.
torch::Tensor leaf_of(const torch::Tensor& tensor) { return tensor.detach().requires_grad_(tensor.requires_grad()); }

/// Stands in the graph for the whole work; its edges lead to the input and to the parameters.
class Replay : public Node {
 public:
  Replay(CheckpointWork work, const torch::Tensor& input, std::vector<torch::Tensor> leaves, RandomState random)
      : work_(std::move(work)),
        input_(input, /*is_output=*/false),
        leaves_(std::move(leaves)),
        random_(std::move(random)),
        precision_(input.device()) {
    edge_list edges{edge_to(input)};
    for (const auto& leaf : leaves_) edges.push_back(edge_to(leaf));
    set_next_edges(std::move(edges));
  }

  std::string name() const override { return "LaminaCheckpoint"; }

  void release_variables() override {
    input_.reset_data();
    work_ = nullptr;
  }

 protected:
  variable_list apply(variable_list&& grad_outputs) override {
    if (at::GradMode::is_enabled())
      throw Error("a checkpointed block has no second derivative; take the option \"checkpoint\": false");
    const torch::Tensor input = leaf_of(input_.unpack());
    const at::AutoGradMode record(true);
    const AsInFirstRun again(random_, precision_, input.device());
    const torch::Tensor output = work_(input);
    variable_list sought = leaves_;
    if (input.requires_grad()) sought.push_back(input);
    // The graph is kept: what an adapter computed once for several blocks is walked again by each of them.
    variable_list found = torch::autograd::grad({output}, sought, {std::move(grad_outputs[0])}, /*retain_graph=*/true,
                                                /*create_graph=*/false, /*allow_unused=*/true);
    torch::Tensor of_input;
    if (input.requires_grad()) {
      of_input = found.back();
      found.pop_back();
    }
    found.insert(found.begin(), of_input);
    return found;
  }

 private:
  static torch::autograd::Edge edge_to(const torch::Tensor& tensor) {
    return tensor.requires_grad() ? torch::autograd::impl::gradient_edge(tensor) : torch::autograd::Edge();
  }

  CheckpointWork work_;
  torch::autograd::SavedVariable input_;
  std::vector<torch::Tensor> leaves_;
  RandomState random_;
  Precision precision_;
};

}  // namespace

torch::Tensor checkpoint(const CheckpointWork& first, CheckpointWork again, const torch::Tensor& input) {
  if (!at::GradMode::is_enabled()) return first(input);
  RandomState random(input.device());
  const torch::Tensor own = leaf_of(input);
  // Recorded only to learn which parameters take part; the record goes when this function ends.
  const torch::Tensor output = first(own);
  if (!output.requires_grad()) return output;
  const auto node = std::shared_ptr<Replay>(
      new Replay(std::move(again), input, leaves_of(output, own), std::move(random)), torch::autograd::deleteNode);
  torch::Tensor result = output.detach();
  torch::autograd::set_history(result, node);
  return result;
}

}  // namespace lamina::nn
