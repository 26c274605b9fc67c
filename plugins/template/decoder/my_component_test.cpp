// Tests of my_component.
#include "my_component.hpp"

#include <lamina/base/error.hpp>

#include <gtest/gtest.h>

namespace my_component {
namespace {

lamina::DecoderContext context() {
  lamina::DecoderContext made;
  made.features = {{"stage.0", 4}, {"stage.1", 8}};
  made.classes = 3;
  return made;
}

TEST(MyComponent, TakesTheLastFeatureUnlessToldOtherwise) {
  EXPECT_EQ(MyComponent({}, context()).needs(), std::vector<std::string>{"stage.1"});
  EXPECT_EQ(MyComponent({"stage.0"}, context()).parameters().at(0).size(1), 4);
}

TEST(MyComponent, RefusesAFeatureThatIsNotThere) { EXPECT_THROW(MyComponent({"stage.7"}, context()), lamina::Error); }

}  // namespace
}  // namespace my_component
