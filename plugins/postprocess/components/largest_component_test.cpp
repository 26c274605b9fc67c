// largest_component: which voxels stay, and when it is switched on.
#include "largest_component.hpp"

#include "made_case.hpp"

namespace lamina {
namespace {

torch::Tensor golden(const std::string& name) {
  return made::golden("transforms.safetensors", "components/" + name).to(at::kBool);
}

TEST(Components, EqualNnunets) {
  for (const std::string name : {"sparse", "dense"}) {
    const auto mask = golden(name + "/mask");
    for (const auto& [part, connectivity] :
         {std::pair{"/full", Connectivity::Full}, std::pair{"/faces", Connectivity::Faces}}) {
      const auto kept = mask.logical_and(outside_largest(mask, connectivity).logical_not());
      EXPECT_TRUE(at::equal(kept, golden(name + part))) << name << part;
    }
  }
}

TEST(Components, JoinRunsThatMeetLate) {
  // A comb: teeth that only their common back joins.
  auto mask = at::zeros({1, 5, 9}, at::kBool);
  mask.slice(2, 0, 9, 2).fill_(true);
  mask.select(1, 4).fill_(true);
  EXPECT_FALSE(outside_largest(mask, Connectivity::Faces).any().item<bool>());
}

TEST(Components, OfNothingAreNone) {
  EXPECT_FALSE(outside_largest(at::zeros({2, 3, 4}, at::kBool), Connectivity::Full).any().item<bool>());
}

LargestComponent with(const std::string& json, int64_t classes = 4) {
  LargestComponentOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(json), "postprocess[0]", errors);
  errors.throw_if_any("wrong options");
  return {options, {classes}};
}

torch::Tensor row(const std::vector<int64_t>& labels) {
  return at::tensor(labels).view({1, 1, 1, static_cast<int64_t>(labels.size())});
}

torch::Tensor after(const LargestComponent& step, const torch::Tensor& labels) {
  return step.apply(made::volume(labels)).voxels;
}

TEST(LargestComponent, KeepsTheLargestOfEachClass) {
  const auto step = with(R"({"select": "always", "scope": "class"})");
  EXPECT_TRUE(at::equal(after(step, row({1, 0, 1, 1, 0, 2, 2, 0, 2, 3})), row({0, 0, 1, 1, 0, 2, 2, 0, 0, 3})));
}

TEST(LargestComponent, KeepsTheLargestBodyOfForeground) {
  const auto step = with(R"({"select": "always", "scope": "foreground"})");
  EXPECT_TRUE(at::equal(after(step, row({1, 1, 0, 2, 1, 3, 0, 3})), row({0, 0, 0, 2, 1, 3, 0, 0})));
}

TEST(LargestComponent, LeavesClassesThatAreNotNamed) {
  const auto step = with(R"({"select": "always", "scope": "class", "classes": [2]})");
  EXPECT_TRUE(at::equal(after(step, row({1, 0, 1, 1, 0, 2, 2, 0, 2})), row({1, 0, 1, 1, 0, 2, 2, 0, 0})));
}

TEST(LargestComponent, KeepsTheTypeOfTheLabels) {
  const auto step = with(R"({"select": "always"})");
  EXPECT_EQ(after(step, row({1, 0, 1, 1}).to(at::kShort)).scalar_type(), at::kShort);
}

TEST(LargestComponent, DoesNothingBeforeItIsFitted) {
  const auto labels = row({1, 0, 1, 1, 0, 2, 2, 0, 2});
  EXPECT_TRUE(at::equal(after(with("{}"), labels), labels));
}

/// Predictions and references by id.
Outcomes outcomes(std::map<std::string, std::pair<torch::Tensor, torch::Tensor>> cases) {
  Outcomes result;
  for (const auto& [id, pair] : cases) result.ids.push_back(id);
  result.prediction = [cases](const std::string& id) { return made::volume(cases.at(id).first); };
  result.reference = [cases](const std::string& id) {
    return made::one(at::zeros_like(cases.at(id).second, at::kFloat), cases.at(id).second);
  };
  return result;
}

TEST(LargestComponent, TakesOnlyClassesThatGain) {
  auto step = with(R"({"scope": "class"})", 3);
  // class 1 has a false islet, class 2 truly has two parts
  const auto state = step.fit(outcomes({{"a", {row({1, 1, 0, 1, 0, 2, 2, 0, 2}), row({1, 1, 0, 0, 0, 2, 2, 0, 2})}}}));
  EXPECT_TRUE(at::equal(state.at("classes"), at::tensor({0, 1, 0}).to(at::kBool)));
  EXPECT_FALSE(state.at("foreground").item<bool>());
  EXPECT_TRUE(at::equal(after(step, row({1, 0, 1, 1, 0, 2, 2, 0, 2})), row({0, 0, 1, 1, 0, 2, 2, 0, 2})));
}

TEST(LargestComponent, TakesTheForegroundWhenNoClassLoses) {
  auto step = with("{}", 3);
  const auto state = step.fit(outcomes({{"a", {row({1, 1, 2, 2, 0, 2, 0, 1}), row({1, 1, 2, 2, 0, 0, 0, 0})}}}));
  EXPECT_TRUE(state.at("foreground").item<bool>());
  EXPECT_FALSE(state.at("classes").any().item<bool>());  // nothing is left to gain
}

TEST(LargestComponent, LeavesTheForegroundWhenAClassLoses) {
  auto step = with("{}", 3);
  const auto state = step.fit(outcomes({{"a", {row({1, 1, 1, 0, 1, 0, 2, 2}), row({1, 1, 1, 0, 0, 0, 2, 2})}}}));
  EXPECT_FALSE(state.at("foreground").item<bool>());
  EXPECT_TRUE(at::equal(state.at("classes"), at::tensor({0, 1, 0}).to(at::kBool)));
}

TEST(LargestComponent, DoesNotCountIgnoredVoxels) {
  auto step = with(R"({"scope": "class"})", 2);
  Outcomes validation = outcomes({{"a", {row({1, 1, 0, 1}), row({1, 1, 0, 9})}}});
  const auto reference = validation.reference;
  validation.reference = [reference](const std::string& id) {
    Case one = reference(id);
    one.ignore = 9;
    return one;
  };
  EXPECT_FALSE(step.fit(validation).at("classes").any().item<bool>());
}

TEST(LargestComponent, RestoresWhatItLearnt) {
  auto first = with("{}", 3), second = with("{}", 3);
  second.restore(first.fit(outcomes({{"a", {row({1, 1, 0, 1, 0, 2}), row({1, 1, 0, 0, 0, 2})}}})));
  const auto labels = row({1, 0, 1, 1, 0, 2});
  EXPECT_TRUE(at::equal(after(first, labels), after(second, labels)));
  EXPECT_FALSE(at::equal(after(second, labels), labels));
}

TEST(LargestComponent, RefusesClassesThatTheDatasetLacks) { EXPECT_THROW(with(R"({"classes": [4]})", 4), ConfigError); }

TEST(LargestComponent, RefusesAStateOfAnotherDataset) {
  auto step = with("{}", 3);
  EXPECT_THROW(step.restore({{"classes", at::zeros({7}, at::kBool)}, {"foreground", at::zeros({1}, at::kBool)}}),
               Error);
}

}  // namespace
}  // namespace lamina
