// Sites: what a network without adapters computes, in which order hooks run, and merging of linear maps.
#include <lamina/model/scene.hpp>
#include <lamina/nn/site.hpp>

#include "component_test.hpp"

namespace lamina {
namespace {

using ::testing::HasSubstr;

// Adds a constant to the output and remembers what it saw.
class Adds : public SiteHook {
 public:
  explicit Adds(double value) : value_(value) {}
  torch::Tensor apply(const SiteCall& call) override {
    input = call.input;
    output = call.output;
    return call.output + value_;
  }
  torch::Tensor input, output;

 private:
  double value_;
};

// Adds the product of the input and a matrix; can be merged.
class LowRank : public SiteHook {
 public:
  explicit LowRank(torch::Tensor delta) : delta_(std::move(delta)) {}
  torch::Tensor apply(const SiteCall& call) override { return call.output + at::linear(call.input, delta_); }
  std::optional<LinearMap> merge(const Site&, const LinearMap& map) const override {
    return LinearMap{map.weight + delta_, map.bias};
  }

 private:
  torch::Tensor delta_;
};

class Halves : public SiteHook {
 public:
  torch::Tensor apply(const SiteCall& call) override { return call.output.slice(3, 0, torch::indexing::None, 2); }
  Shape reshape(Shape in) const override { return {in.channels, {in.size[0], in.size[1] / 2, in.size[2]}}; }
};

Site tokens(const std::string& path, SiteKind kind = SiteKind::Sublayer) {
  return {path, kind, Layout::Tokens, 4, 4, 1, {}};
}

struct SiteTest : ::testing::Test {
  SiteHost host;
  Scene scene{Mode::Infer};
  Axes axes;
};

TEST_F(SiteTest, WithoutHooksTheOutputGoesThroughUntouched) {
  const SiteId id = host.add_site(tokens("mlp.out"));
  const torch::Tensor output = testing::normal({2, 3, 4});
  EXPECT_TRUE(host.through(id, testing::normal({2, 3, 4}, 2), output, axes, scene).is_same(output));
  EXPECT_FALSE(host.occupied(id));
}

TEST_F(SiteTest, HooksRunInTheOrderAttachedAndSeeTheLayersInput) {
  const SiteId id = host.add_site(tokens("mlp.out"));
  Adds first(1), second(2);
  host.attach(id, first);
  host.attach(id, second);
  const torch::Tensor input = testing::normal({2, 3, 4}), output = testing::normal({2, 3, 4}, 2);
  const torch::Tensor result = host.through(id, input, output, axes, scene);
  EXPECT_EQ(testing::largest_difference(result, output + 1 + 2), 0);
  EXPECT_TRUE(second.input.is_same(input));
  EXPECT_EQ(testing::largest_difference(second.output, output + 1), 0);
}

TEST_F(SiteTest, InAStreamTheSecondHookReadsWhatTheFirstWrote) {
  const SiteId id = host.add_site(tokens("blocks.0.input", SiteKind::Stream));
  Adds first(1), second(2);
  host.attach(id, first);
  host.attach(id, second);
  const torch::Tensor stream = testing::normal({2, 3, 4});
  host.through(id, stream, stream, axes, scene);
  EXPECT_EQ(testing::largest_difference(second.input, stream + 1), 0);
}

TEST_F(SiteTest, ReshapeTellsWhatAStemMakesOfTheImage) {
  const SiteId id = host.add_site({"image", SiteKind::Stream, Layout::Volume, 1, 1, 1, {}});
  Halves first, second;
  host.attach(id, first);
  host.attach(id, second);
  EXPECT_EQ(host.shape_after(id, {1, {2, 16, 8}}).size, (std::array<int64_t, 3>{2, 4, 8}));
}

TEST_F(SiteTest, MergedMapsEqualUnmergedOnes) {
  Site site = tokens("blocks.0.attn.qkv", SiteKind::Projection);
  site.out_channels = 6;
  site.map = {testing::normal({6, 4}, 1), testing::normal({6}, 2)};
  const SiteId id = host.add_site(site);
  LowRank first(testing::normal({6, 4}, 3)), second(testing::normal({6, 4}, 4));
  host.attach(id, first);
  host.attach(id, second);
  const torch::Tensor input = testing::normal({2, 3, 4}, 5);
  const torch::Tensor unmerged = host.project(id, input, axes, scene);
  EXPECT_GT(testing::largest_difference(unmerged, at::linear(input, site.map.weight, site.map.bias)), 0.1);
  host.merge();
  EXPECT_LE(testing::largest_difference(host.project(id, input, axes, scene), unmerged), 1e-5);
  host.unmerge();
  EXPECT_EQ(testing::largest_difference(host.project(id, input, axes, scene), unmerged), 0);
}

TEST_F(SiteTest, OneHookThatCannotMergeKeepsTheSiteUnmerged) {
  Site site = tokens("blocks.0.attn.qkv", SiteKind::Projection);
  site.map = {testing::normal({4, 4}, 1), {}};
  const SiteId id = host.add_site(site);
  LowRank first(testing::normal({4, 4}, 3));
  Adds second(1);
  host.attach(id, first);
  host.attach(id, second);
  const torch::Tensor input = testing::normal({2, 3, 4}, 5);
  const torch::Tensor unmerged = host.project(id, input, axes, scene);
  host.merge();
  EXPECT_EQ(testing::largest_difference(host.project(id, input, axes, scene), unmerged), 0);
}

TEST_F(SiteTest, RefusesAPathThatIsTaken) {
  host.add_site(tokens("mlp.out"));
  EXPECT_THAT(testing::message_of([&] { host.add_site(tokens("mlp.out")); }), HasSubstr("site 'mlp.out' twice"));
}

TEST_F(SiteTest, RefusesAProjectionWithoutAWeight) {
  EXPECT_THAT(testing::message_of([&] { host.add_site(tokens("qkv", SiteKind::Projection)); }),
              HasSubstr("without a weight"));
}

TEST_F(SiteTest, NamesTheSiteWhereAnAdapterReturnsOtherChannels) {
  class Cuts : public SiteHook {
   public:
    torch::Tensor apply(const SiteCall& call) override { return call.output.narrow(-1, 0, 3); }
  } cuts;
  const SiteId id = host.add_site(tokens("mlp.out"));
  host.attach(id, cuts);
  const torch::Tensor x = testing::normal({2, 3, 4});
  EXPECT_THAT(testing::message_of([&] { host.through(id, x, x, axes, scene); }),
              HasSubstr("'mlp.out' returned 3 channels; expected 4"));
}

}  // namespace
}  // namespace lamina
