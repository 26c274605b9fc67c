// The prompter without prompts.
#include "none.hpp"

#include "component_test.hpp"

namespace lamina {
namespace {

TEST(None, IsMadeByNameAndPromisesNothing) {
  const auto prompter =
      testing::registry().create<Prompter>(testing::json(R"({"type": "none"})"), "model.prompter", {});
  EXPECT_TRUE(prompter->produces().kinds.empty());
  EXPECT_TRUE(prompter->needs().empty());
  EXPECT_EQ(prompter->uses_labels(), LabelUse::Never);
  EXPECT_TRUE(prompter->parameters().empty());
}

TEST(None, GivesOneEmptyEntryPerStream) {
  Scene scene(Mode::Infer);
  scene.features.set("image", {});
  scene.features.set("context", {});
  None none({}, {});
  const auto prompts = none.prompt(scene);
  EXPECT_EQ(prompts.size(), 2);
  EXPECT_FALSE(prompts.at("context").boxes.defined());
}

}  // namespace
}  // namespace lamina
