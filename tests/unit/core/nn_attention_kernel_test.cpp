// Every kernel of this processor against the formula in float64: result, gradients, windows; and how one is chosen.
#include "nn_attention_inputs.hpp"

#include <cstdlib>

#include <ATen/Parallel.h>

namespace lamina::nn {
namespace {

using testing::attention_inputs;
using testing::attention_outcome;
using testing::AttentionInputs;
using testing::AttentionOutcome;
using ::testing::HasSubstr;
using testing::largest_difference;
using testing::message_of;
using testing::normal;

constexpr const char* kKernelVariable = "LAMINA_ATTENTION_KERNEL";

class ChosenKernel {
 public:
  explicit ChosenKernel(const char* name) { setenv(kKernelVariable, name, 1); }
  ~ChosenKernel() { unsetenv(kKernelVariable); }
};

AttentionOutcome whole_grid(const AttentionInputs& inputs, int64_t heads, AttentionPath path, QueryArea area) {
  return attention_outcome(inputs, rel_pos_attention(inputs.qkv, inputs.tables, heads, path, area));
}

double largest(const torch::Tensor& tensor) { return tensor.abs().max().item<double>(); }

/// Relative to the largest number of the result, and of all gradients: those of tables with one row are 0.
void expect_close(const AttentionOutcome& a, const AttentionOutcome& exact, double tolerance) {
  const auto difference = [](const torch::Tensor& x, const torch::Tensor& y) {
    return largest_difference(x.to(torch::kFloat64), y);
  };
  EXPECT_LE(difference(a.result, exact.result), tolerance * largest(exact.result));
  double scale = 0;
  for (const auto& gradient : exact.gradients) scale = std::max(scale, largest(gradient));
  for (size_t i = 0; i < a.gradients.size(); ++i)
    EXPECT_LE(difference(a.gradients[i], exact.gradients[i]), tolerance * scale) << "gradient " << i;
}

class AttentionKernel : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const ChosenKernel chosen(GetParam());
    const AttentionInputs inputs = attention_inputs(1, 1, 1, 1, 2);
    const auto refusal = message_of([&] { rel_pos_attention(inputs.qkv, inputs.tables, 1, AttentionPath::Tiled); });
    if (refusal.find("this processor has no kernel") != std::string::npos) GTEST_SKIP() << refusal;
  }
  bool bfloat16() const { return std::string(GetParam()).ends_with("bf16"); }
  double tolerance() const { return bfloat16() ? 0.03 : 1e-5; }
  AttentionInputs inputs_of_its_type(int64_t images, int64_t height, int64_t width, int64_t heads,
                                     int64_t head_width) const {
    AttentionInputs inputs = attention_inputs(images, height, width, heads, head_width);
    if (bfloat16()) inputs.qkv = inputs.qkv.detach().to(torch::kBFloat16).requires_grad_();
    return inputs;
  }
};

struct Case {
  int64_t images, height, width, heads, head_width;
  QueryArea area;
};

// Sizes that are no multiples of tiles and panels, single rows and columns, areas smaller than the grid.
TEST_P(AttentionKernel, EqualsTheFormulaInFloat64WithAllGradients) {
  const ChosenKernel chosen(GetParam());
  for (const Case& one : std::vector<Case>{{2, 14, 14, 2, 16, {14, 14}},
                                           {1, 7, 11, 1, 20, {5, 3}},
                                           {2, 14, 14, 3, 64, {14, 8}},
                                           {1, 20, 15, 1, 80, {20, 15}},
                                           {1, 1, 9, 2, 16, {1, 9}},
                                           {1, 33, 1, 1, 24, {33, 1}},
                                           {1, 2, 2, 4, 3, {1, 2}},
                                           {1, 18, 37, 1, 64, {18, 37}}}) {
    SCOPED_TRACE(::testing::Message() << one.height << " x " << one.width << ", " << one.head_width << ", queries "
                                      << one.area.height << " x " << one.area.width);
    const auto inputs = inputs_of_its_type(one.images, one.height, one.width, one.heads, one.head_width);
    const auto exact = whole_grid(testing::exactly(inputs), one.heads, AttentionPath::Plain, one.area);
    const auto result = whole_grid(inputs, one.heads, AttentionPath::Tiled, one.area);
    EXPECT_EQ(result.result.scalar_type(), inputs.qkv.scalar_type());
    expect_close(result, exact, tolerance());
  }
}

TEST_P(AttentionKernel, ReadsWindowsWhereTheyLieWithAllGradients) {
  const ChosenKernel chosen(GetParam());
  for (const auto& [height, width, window] :
       std::vector<std::array<int64_t, 3>>{{10, 12, 5}, {8, 8, 4}, {3, 3, 7}, {15, 29, 14}}) {
    SCOPED_TRACE(::testing::Message() << height << " x " << width << " in windows of " << window);
    AttentionInputs inputs = inputs_of_its_type(2, height, width, 2, 16);
    const AttentionInputs of_a_window = attention_inputs(1, window, window, 1, 16);
    inputs.tables = of_a_window.tables;
    const torch::Tensor outside = normal({96}, 5).requires_grad_();
    const AttentionInputs exact = testing::exactly(inputs);
    const torch::Tensor exact_outside = outside.detach().to(torch::kFloat64).requires_grad_();
    const bool beyond = height % window != 0 || width % window != 0;
    const auto run = [&](const AttentionInputs& given, const torch::Tensor& beyond_it, AttentionPath path) {
      const auto result = rel_pos_window_attention(given.qkv, beyond_it, given.tables, 2, window, path);
      return attention_outcome(given, result, beyond ? std::vector{beyond_it} : std::vector<torch::Tensor>{});
    };
    expect_close(run(inputs, outside, AttentionPath::Tiled), run(exact, exact_outside, AttentionPath::Plain),
                 tolerance());
  }
}

// Scores of some hundreds, the largest ones anywhere: a sum that starts at the first keys' must be begun again.
TEST_P(AttentionKernel, StaysExactWhereScoresAreFarApart) {
  const ChosenKernel chosen(GetParam());
  AttentionInputs inputs = inputs_of_its_type(1, 20, 15, 2, 16);
  {
    const torch::NoGradGuard no_grad;
    inputs.qkv.slice(3, 0, 64) *= 4;
    inputs.qkv.slice(1, 0, 1).slice(2, 0, 8) *= 0.01;  // the first keys say nothing of what comes
  }
  const QueryArea all{20, 15};
  const auto exact = whole_grid(testing::exactly(inputs), 2, AttentionPath::Plain, all);
  expect_close(whole_grid(inputs, 2, AttentionPath::Tiled, all), exact, bfloat16() ? 0.1 : 1e-4);
}

TEST_P(AttentionKernel, GivesTheSameBitsWithAnyNumberOfThreads) {
  const ChosenKernel chosen(GetParam());
  const auto inputs = inputs_of_its_type(3, 15, 14, 3, 16);
  const int threads = at::get_num_threads();
  std::vector<AttentionOutcome> outcomes;
  for (const int count : {1, 3, 3}) {
    at::set_num_threads(count);
    outcomes.push_back(whole_grid(inputs, 3, AttentionPath::Tiled, {15, 14}));
  }
  at::set_num_threads(threads);
  for (const auto& outcome : outcomes) {
    EXPECT_TRUE(torch::equal(outcome.result, outcomes[0].result));
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(torch::equal(outcome.gradients[i], outcomes[0].gradients[i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, AttentionKernel, ::testing::Values("avx2", "avx512", "avx512_bf16", "amx_bf16", "none"),
                         [](const auto& info) { return std::string(info.param); });

TEST(AttentionKernels, NamesTheKernelsThereAreWhenAskedForAnother) {
  const ChosenKernel chosen("avx1024");
  const AttentionInputs inputs = attention_inputs(1, 2, 2, 1, 2);
  const auto message = message_of([&] { rel_pos_attention(inputs.qkv, inputs.tables, 1, AttentionPath::Tiled); });
  EXPECT_THAT(message, HasSubstr("LAMINA_ATTENTION_KERNEL: this processor has no kernel \"avx1024\""));
  EXPECT_THAT(message, HasSubstr("take \"none\""));
}

TEST(AttentionKernels, RefuseTokensOutsideTheGridOfAnotherWidth) {
  const AttentionInputs inputs = attention_inputs(1, 4, 4, 1, 4);
  EXPECT_THAT(
      message_of([&] { rel_pos_window_attention(inputs.qkv, normal({8}), inputs.tables, 1, 4, AttentionPath::Tiled); }),
      HasSubstr("outside attention's grid: got the shape [8], expected [12]"));
}

}  // namespace
}  // namespace lamina::nn
