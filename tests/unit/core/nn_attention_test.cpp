// Attention with relative position: tiled against plain, plain against sums written out, and every gradient.
#include "nn_attention_inputs.hpp"

#include <lamina/nn/rel_pos.hpp>

namespace lamina::nn {
namespace {

using ::testing::HasSubstr;
using testing::largest_difference;
using testing::message_of;
using testing::normal;

using Inputs = testing::AttentionInputs;
using Outcome = testing::AttentionOutcome;
using testing::attention_inputs;
using testing::expect_same_attention;

Outcome run(const Inputs& inputs, int64_t heads, AttentionPath path, std::optional<QueryArea> area = std::nullopt) {
  return testing::attention_outcome(inputs, rel_pos_attention(inputs.qkv, inputs.tables, heads, path, area));
}

// One query and one head at a time, in float64, straight from the definition.
torch::Tensor written_out(const Inputs& inputs, int64_t heads) {
  const torch::Tensor qkv = inputs.qkv.detach().to(torch::kFloat64);
  const torch::Tensor by_height = inputs.tables.height.detach().to(torch::kFloat64);
  const torch::Tensor by_width = inputs.tables.width.detach().to(torch::kFloat64);
  const int64_t h = qkv.size(1), w = qkv.size(2), d = qkv.size(3) / (3 * heads);
  torch::Tensor result = torch::zeros({qkv.size(0), h, w, heads * d}, torch::kFloat64);
  for (int64_t n = 0; n < qkv.size(0); ++n) {
    for (int64_t head = 0; head < heads; ++head) {
      const auto part = [&](int64_t which) {
        return qkv[n].slice(2, (which * heads + head) * d, (which * heads + head + 1) * d);
      };
      for (int64_t query = 0; query < h * w; ++query) {
        const int64_t y = query / w, x = query % w;
        const torch::Tensor q = part(0)[y][x];
        torch::Tensor scores = torch::zeros({h, w}, torch::kFloat64);
        for (int64_t key = 0; key < h * w; ++key) {
          const int64_t ky = key / w, kx = key % w;
          scores[ky][kx] = q.dot(part(1)[ky][kx]) / std::sqrt(static_cast<double>(d)) +
                           q.dot(by_height[y - ky + h - 1]) + q.dot(by_width[x - kx + w - 1]);
        }
        const torch::Tensor weights = torch::softmax(scores.flatten(), 0);
        result[n][y][x].slice(0, head * d, (head + 1) * d) = weights.matmul(part(2).reshape({h * w, d}));
      }
    }
  }
  return result;
}

torch::Tensor plain_in_float64(const Inputs& inputs, int64_t heads) {
  const RelPosTables tables{inputs.tables.height.to(torch::kFloat64), inputs.tables.width.to(torch::kFloat64)};
  return rel_pos_attention(inputs.qkv.to(torch::kFloat64), tables, heads, AttentionPath::Plain);
}

TEST(Attention, EqualsItsDefinitionOnBothPaths) {
  const Inputs inputs = attention_inputs(2, 3, 4, 2, 5);
  const torch::Tensor expected = written_out(inputs, 2);
  for (const auto path : {AttentionPath::Plain, AttentionPath::Tiled})
    EXPECT_LE(largest_difference(run(inputs, 2, path).result.to(torch::kFloat64), expected), 2e-6);
}

TEST(Attention, TiledEqualsPlainWhereATileHoldsManyImages) {
  const Inputs inputs = attention_inputs(300, 4, 4, 3, 8);
  expect_same_attention(run(inputs, 3, AttentionPath::Tiled), run(inputs, 3, AttentionPath::Plain), 1e-5);
}

TEST(Attention, TiledEqualsPlainWhereATileHoldsOneHead) {
  const Inputs inputs = attention_inputs(2, 14, 14, 6, 16);
  expect_same_attention(run(inputs, 6, AttentionPath::Tiled), run(inputs, 6, AttentionPath::Plain), 1e-5);
}

TEST(Attention, TiledEqualsPlainWhereAHeadNeedsManyTiles) {
  const Inputs inputs = attention_inputs(1, 34, 27, 2, 8);
  expect_same_attention(run(inputs, 2, AttentionPath::Tiled), run(inputs, 2, AttentionPath::Plain), 1e-5);
}

TEST(Attention, TiledEqualsPlainForGridsAndHeadsOfAnySize) {
  for (const auto& [height, width, head_width] :
       std::vector<std::array<int64_t, 3>>{{1, 1, 3}, {1, 5, 7}, {5, 5, 24}, {7, 11, 12}, {13, 10, 80}, {3, 43, 64}}) {
    SCOPED_TRACE(::testing::Message() << height << " x " << width << ", " << head_width);
    const Inputs inputs = attention_inputs(2, height, width, 2, head_width);
    const torch::NoGradGuard no_grad;
    const torch::Tensor expected = plain_in_float64(inputs, 2);
    const torch::Tensor result = rel_pos_attention(inputs.qkv, inputs.tables, 2, AttentionPath::Tiled);
    EXPECT_LE(largest_difference(result.to(torch::kFloat64), expected), 1e-5 * expected.abs().max().item<double>());
  }
}

// Scores of some hundreds, the largest ones anywhere: a sum that starts at the first keys' must be begun again.
TEST(Attention, TiledStaysExactWhereScoresAreFarApart) {
  Inputs inputs = attention_inputs(2, 20, 15, 2, 16);
  const torch::NoGradGuard no_grad;
  inputs.qkv *= 6;
  inputs.qkv.slice(1, 0, 1).slice(2, 0, 8) *= 0.01;  // the first keys say nothing of what comes
  const torch::Tensor expected = plain_in_float64(inputs, 2);
  const torch::Tensor result = rel_pos_attention(inputs.qkv, inputs.tables, 2, AttentionPath::Tiled);
  EXPECT_LE(largest_difference(result.to(torch::kFloat64), expected), 1e-4 * expected.abs().max().item<double>());
}

TEST(Attention, TiledEqualsPlainInFloat64) {
  const Inputs inputs = attention_inputs(2, 9, 7, 2, 6, torch::kFloat64);
  expect_same_attention(run(inputs, 2, AttentionPath::Tiled), run(inputs, 2, AttentionPath::Plain), 1e-12);
}

TEST(Attention, GradientsEqualDifferencesOfTheResult) {
  const Inputs inputs = attention_inputs(1, 3, 2, 1, 4, torch::kFloat64);
  const Outcome outcome = run(inputs, 1, AttentionPath::Tiled);
  const std::vector<torch::Tensor> leaves{inputs.qkv, inputs.tables.height, inputs.tables.width};
  const torch::Tensor weights = normal(outcome.result.sizes().vec(), 7).to(torch::kFloat64);
  constexpr double kStep = 1e-6;
  const torch::NoGradGuard no_grad;
  for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    const torch::Tensor flat = leaves[leaf].view({-1});
    for (int64_t i = 0; i < flat.numel(); i += 3) {
      const auto value = [&](double step) {
        flat[i] += step;
        const auto sum = (rel_pos_attention(inputs.qkv, inputs.tables, 1, AttentionPath::Tiled) * weights).sum();
        flat[i] -= step;
        return sum.item<double>();
      };
      EXPECT_NEAR(outcome.gradients[leaf].reshape({-1})[i].item<double>(), (value(kStep) - value(-kStep)) / (2 * kStep),
                  1e-7);
    }
  }
}

TEST(Attention, APartOfTheQueriesGetsWhatItGetsInTheWhole) {
  for (const auto& [height, width] : {std::pair{14, 14}, {30, 33}}) {
    const Inputs inputs = attention_inputs(2, height, width, 3, 8);
    const auto whole = rel_pos_attention(inputs.qkv, inputs.tables, 3, AttentionPath::Plain);
    for (const auto path : {AttentionPath::Plain, AttentionPath::Tiled}) {
      const auto part = run(inputs, 3, path, QueryArea{5, 2});
      EXPECT_LE(largest_difference(part.result, whole.slice(1, 0, 5).slice(2, 0, 2)), 5e-6);
      EXPECT_EQ(part.gradients[0].slice(1, 5).slice(3, 0, 24).abs().max().item<double>(), 0) << "of queries left out";
    }
    expect_same_attention(run(inputs, 3, AttentionPath::Tiled, QueryArea{5, 2}),
                          run(inputs, 3, AttentionPath::Plain, QueryArea{5, 2}), 1e-5);
  }
}

TEST(Attention, TakesQueriesKeysAndValuesFromAViewToo) {
  const Inputs inputs = attention_inputs(2, 6, 5, 2, 4);
  const torch::Tensor turned = inputs.qkv.detach().transpose(1, 2).contiguous().transpose(1, 2);
  EXPECT_FALSE(turned.is_contiguous());
  EXPECT_LE(largest_difference(rel_pos_attention(turned, inputs.tables, 2, AttentionPath::Tiled),
                               rel_pos_attention(inputs.qkv, inputs.tables, 2, AttentionPath::Tiled)),
            1e-6);
}

TEST(Attention, TakesBfloat16AndLosesLittle) {
  Inputs inputs = attention_inputs(2, 14, 14, 2, 16);
  inputs.qkv = inputs.qkv.detach().to(torch::kBFloat16).requires_grad_();
  const Inputs exact{inputs.qkv.detach().to(torch::kFloat32).requires_grad_(), inputs.tables};
  const Outcome low = run(inputs, 2, AttentionPath::Tiled), high = run(exact, 2, AttentionPath::Tiled);
  EXPECT_EQ(low.result.scalar_type(), torch::kBFloat16);
  EXPECT_EQ(low.gradients[1].scalar_type(), torch::kFloat32);
  // Results of up to 5 in numbers of 8 bits; scores and sums stay in float32.
  EXPECT_LE(largest_difference(low.result.to(torch::kFloat32), high.result), 0.05);
  const Outcome plain = run(inputs, 2, AttentionPath::Plain);
  EXPECT_EQ(plain.result.scalar_type(), torch::kBFloat16);
  EXPECT_LE(largest_difference(plain.result.to(torch::kFloat32), high.result), 0.2) << "scores lose digits, too";
}

TEST(Attention, GivesTheSameBitsTwice) {
  const Inputs inputs = attention_inputs(4, 14, 14, 6, 16);
  const Outcome first = run(inputs, 6, AttentionPath::Tiled), second = run(inputs, 6, AttentionPath::Tiled);
  EXPECT_TRUE(torch::equal(first.result, second.result));
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(torch::equal(first.gradients[i], second.gradients[i]));
}

TEST(Attention, RefusesWhatDoesNotFitInWords) {
  const Inputs inputs = attention_inputs(1, 3, 4, 2, 5);
  const auto message = [&](const torch::Tensor& qkv, const RelPosTables& tables, int64_t heads,
                           std::optional<QueryArea> area = std::nullopt) {
    return message_of([&] { rel_pos_attention(qkv, tables, heads, AttentionPath::Tiled, area); });
  };
  EXPECT_THAT(message(inputs.qkv, inputs.tables, 4), HasSubstr("30 channels"));
  EXPECT_THAT(message(inputs.qkv, {inputs.tables.width, inputs.tables.width}, 2),
              HasSubstr("table along the height: got the shape [7, 5], expected [5, 5]"));
  EXPECT_THAT(message(inputs.qkv, inputs.tables, 2, QueryArea{4, 4}), HasSubstr("queries of 4 x 4"));
}

TEST(Attention, SaysThatTheTiledPathHasNoSecondDerivative) {
  const Inputs inputs = attention_inputs(1, 3, 4, 2, 5);
  const auto result = rel_pos_attention(inputs.qkv, inputs.tables, 2, AttentionPath::Tiled).sum();
  EXPECT_THAT(message_of([&] { torch::autograd::grad({result}, {inputs.qkv}, {}, true, true); }),
              HasSubstr("\"attention\": \"plain\""));
}

}  // namespace
}  // namespace lamina::nn
