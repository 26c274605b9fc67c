// No source may include what its room must not know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules.hpp"

namespace lamina::layering {
namespace {

const fs::path kRoot = LAMINA_TEST_SOURCE_DIR;
const std::vector<std::string> kFolders{"core", "cli", "plugins", "adapters", "prompters", "decoders", "datasets"};

TEST(Layering, NoSourceIncludesWhatItsRoomMustNotKnow) {
  const auto includes = all_includes(kRoot, kFolders);
  ASSERT_GT(includes.size(), 500u) << "the sources were not found in " << kRoot;
  for (const auto& include : includes) {
    EXPECT_EQ(objection(include), "") << include.file << ":" << include.line << " includes " << include.target;
  }
}

TEST(Layering, PluginsIncludeOnlyTheirOwnFolderAndInstalledHeaders) {
  for (const auto& include : all_includes(kRoot, {"plugins", "adapters", "prompters", "decoders", "datasets"})) {
    const bool installed =
        include.target.find('/') != std::string::npos || include.target.find('.') == std::string::npos;
    const bool library = starts_with_any(include.target, {"itk", "gmock", "gtest"});
    // What tests share lies in tests/support.
    const bool support =
        fs::exists(kRoot / "tests" / "support" / include.target) && include.file.ends_with("_test.cpp");
    if (installed || library || support || include.target.ends_with(".h")) continue;
    EXPECT_TRUE(fs::exists((kRoot / include.file).parent_path() / include.target))
        << include.file << ":" << include.line << " includes " << include.target << " of another component";
  }
}

TEST(Layering, TheLightHalfOfTheProgramKnowsNeitherEngineNorTorch) {
  for (const auto& include : all_includes(kRoot, {"cli"})) {
    const std::string name = fs::path(include.file).filename().string();
    const bool light = name == "main.cpp" || name.starts_with("light") || name.starts_with("help") ||
                       name == "verb.hpp" || name == "verbs.hpp";
    if (!light) continue;
    const std::string room = room_of_include(include.target);
    EXPECT_TRUE(room.empty() || room == "base" || room == "options" || room == "plugin")
        << include.file << " includes " << include.target;
    EXPECT_FALSE(is_torch(include.target)) << include.file << " includes " << include.target;
  }
}

// So that verdicts build and are tested in seconds.
TEST(Layering, StatisticsKnowNumbersOnly) {
  const auto includes = all_includes(kRoot, {"core/engine/statistics"});
  ASSERT_FALSE(includes.empty());
  for (const auto& include : includes) {
    const bool plain = include.target.find('/') == std::string::npos;
    EXPECT_TRUE(plain || starts_with_any(include.target, {"engine/statistics/", "lamina/base/", "boost/math/"}))
        << include.file << " includes " << include.target;
  }
}

TEST(Layering, PublicHeadersIncludeOnlyPublicHeaders) {
  for (const auto& include : all_includes(kRoot, {"core/include"})) {
    if (!include.target.starts_with("lamina/") || include.target == "lamina/base/version.hpp") continue;
    EXPECT_TRUE(fs::exists(kRoot / "core" / "include" / include.target))
        << include.file << " includes " << include.target;
  }
}

// The rules themselves: each kind of mistake is seen.
TEST(Layering, TheRulesSeeEachKindOfMistake) {
  const auto verdict = [](const char* file, const char* target) { return objection({file, target, 1}); };
  EXPECT_EQ(verdict("core/src/data/a.cpp", "lamina/base/text.hpp"), "");
  EXPECT_NE(verdict("core/src/base/a.cpp", "lamina/options/binder.hpp"), "");
  EXPECT_NE(verdict("core/src/base/a.cpp", "options/json_access.hpp"), "");
  EXPECT_NE(verdict("core/include/lamina/nn/a.hpp", "lamina/model/scene.hpp"), "");
  EXPECT_NE(verdict("core/src/model/a.cpp", "lamina/nn/conv_block.hpp"), "");
  EXPECT_NE(verdict("core/src/plugin/a.cpp", "torch/types.h"), "");
  EXPECT_NE(verdict("core/src/io/a.cpp", "lamina/model/model.hpp"), "");
  EXPECT_NE(verdict("adapters/x/a.cpp", "engine/train/trainer.hpp"), "");
  EXPECT_NE(verdict("adapters/x/a.cpp", "nlohmann/json.hpp"), "");
  EXPECT_NE(verdict("core/include/lamina/options/a.hpp", "nlohmann/json.hpp"), "");
  EXPECT_NE(verdict("core/include/lamina/nn/a.hpp", "torch/torch.h"), "");
  EXPECT_NE(verdict("decoders/x/a.cpp", "itkImage.h"), "");
  EXPECT_EQ(verdict("datasets/x/a.cpp", "itkImage.h"), "");
  EXPECT_NE(verdict("core/engine/run/a.cpp", "boost/program_options.hpp"), "");
}

}  // namespace
}  // namespace lamina::layering
