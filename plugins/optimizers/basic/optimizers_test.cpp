// The optimizers against Python torch, and their way through a checkpoint.
#include "component_test.hpp"
#include "golden_file.hpp"

#include <lamina/objective/optimizer.hpp>

namespace lamina {
namespace {

struct Setting {
  const char* name;   // in the golden file
  const char* entry;  // of the experiment
};

OptimizerContext context_of(const TensorDict& start) {
  OptimizerContext context;
  for (const char* name : {"layer.bias", "layer.weight"})
    context.parameters.emplace_back(name, start.at(name).clone().set_requires_grad(true));
  return context;
}

// A loss whose gradient changes from step to step.
void take_step(Optimizer& optimizer, const OptimizerContext& context, int64_t step, double rate) {
  optimizer.zero_grad();
  for (const auto& [name, parameter] : context.parameters)
    ((parameter - 0.1 * static_cast<double>(step)).pow(4).sum() / 4).backward();
  optimizer.step(rate);
}

class OptimizerParity : public ::testing::TestWithParam<Setting> {};

TEST_P(OptimizerParity, EqualsPythonTorchAfterEveryStep) {
  const auto tensors = testing::golden_file("optimizers");
  TensorDict start;
  for (const char* name : {"layer.weight", "layer.bias"}) start[name] = tensors.at(std::string("start.") + name);
  const auto context = context_of(start);
  const auto optimizer =
      testing::registry().create<Optimizer>(testing::json(GetParam().entry), "train.optimizer", context);
  for (int64_t step = 0; step < 5; ++step) {
    take_step(*optimizer, context, step, 0.01 * static_cast<double>(step + 1));
    for (const auto& [name, parameter] : context.parameters) {
      const auto expected = tensors.at(text(GetParam().name, ".", step, ".", name));
      EXPECT_LE(testing::largest_difference(parameter.detach(), expected), 1e-6) << name << " after step " << step;
    }
  }
}

TEST_P(OptimizerParity, ContinuesBitEqualFromItsState) {
  const TensorDict start{{"layer.weight", testing::normal({4, 3}, 1)}, {"layer.bias", testing::normal({4}, 2)}};
  const auto first = context_of(start);
  const auto optimizer =
      testing::registry().create<Optimizer>(testing::json(GetParam().entry), "train.optimizer", first);
  for (int64_t step = 0; step < 3; ++step) take_step(*optimizer, first, step, 0.02);

  TensorDict halfway;
  for (const auto& [name, parameter] : first.parameters) halfway[name] = parameter.detach().clone();
  const auto second = context_of(halfway);
  const auto resumed =
      testing::registry().create<Optimizer>(testing::json(GetParam().entry), "train.optimizer", second);
  resumed->load(optimizer->state());
  for (int64_t step = 3; step < 6; ++step) {
    take_step(*optimizer, first, step, 0.02);
    take_step(*resumed, second, step, 0.02);
  }
  for (size_t i = 0; i < first.parameters.size(); ++i) {
    EXPECT_TRUE(torch::equal(first.parameters[i].second, second.parameters[i].second)) << first.parameters[i].first;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, OptimizerParity,
    ::testing::Values(
        Setting{"adamw", R"({"type": "adamw", "weight_decay": 0.1, "betas": [0.8, 0.9], "eps": 1e-6})"},
        Setting{"adamw_weights",
                R"({"type": "adamw", "weight_decay": 0.1, "betas": [0.8, 0.9], "eps": 1e-6, "decay": "weights"})"},
        Setting{"sgd", R"({"type": "sgd", "weight_decay": 0.1})"},
        Setting{"sgd_plain", R"({"type": "sgd", "momentum": 0, "nesterov": false, "weight_decay": 0.1})"},
        Setting{"sgd_heavy_ball", R"({"type": "sgd", "momentum": 0.9, "nesterov": false, "weight_decay": 0.0})"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(AdamW, LeavesParametersWithoutGradientAlone) {
  const auto context = context_of({{"layer.weight", testing::normal({2, 2})}, {"layer.bias", testing::normal({2})}});
  const torch::Tensor before = context.parameters[0].second.detach().clone();
  const auto optimizer =
      testing::registry().create<Optimizer>(testing::json(R"({"type": "adamw"})"), "train.optimizer", context);
  context.parameters[1].second.sum().backward();
  optimizer->step(0.1);
  EXPECT_TRUE(torch::equal(context.parameters[0].second, before));
  EXPECT_EQ(optimizer->state().at("layer.bias.step").item<float>(), 0);
  EXPECT_EQ(optimizer->state().at("layer.weight.step").item<float>(), 1);
}

TEST(AdamW, TakesGradientsOfAnyMemoryLayout) {
  const auto plain = context_of({{"layer.weight", testing::normal({3, 2})}, {"layer.bias", testing::normal({3})}});
  const auto other = context_of({{"layer.weight", testing::normal({3, 2})}, {"layer.bias", testing::normal({3})}});
  const torch::Tensor gradient = testing::normal({3, 2}, 9);
  torch::Tensor(plain.parameters[1].second).mutable_grad() = gradient;
  torch::Tensor(other.parameters[1].second).mutable_grad() = gradient.t().contiguous().t();
  for (const auto* context : {&plain, &other}) {
    testing::registry()
        .create<Optimizer>(testing::json(R"({"type": "adamw"})"), "train.optimizer", *context)
        ->step(0.1);
  }
  EXPECT_TRUE(torch::equal(plain.parameters[1].second, other.parameters[1].second));
}

TEST(Optimizers, RefuseAStateOfOtherParameters) {
  const auto context = context_of({{"layer.weight", testing::normal({2, 2})}, {"layer.bias", testing::normal({2})}});
  const auto optimizer =
      testing::registry().create<Optimizer>(testing::json(R"({"type": "sgd"})"), "train.optimizer", context);
  TensorDict state = optimizer->state();
  auto moved = state.extract("layer.bias.step");
  moved.key() = "layer.offset.step";
  state.insert(std::move(moved));
  EXPECT_THAT(testing::message_of([&] { optimizer->load(state); }), ::testing::HasSubstr("lacks 'layer.bias.step'"));
}

TEST(Sgd, NesterovWithoutMomentumIsRefused) {
  const std::string message = testing::message_of([] {
    testing::registry().create<Optimizer>(testing::json(R"({"type": "sgd", "momentum": 0})"), "train.optimizer",
                                          OptimizerContext{});
  });
  EXPECT_THAT(message, ::testing::HasSubstr("train.optimizer.nesterov"));
}

}  // namespace
}  // namespace lamina
