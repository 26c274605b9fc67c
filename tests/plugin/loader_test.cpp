// Bad plugins are refused in words that name the file, the fact and the way out; good ones open when asked for.
#include <lamina/base/atomic_file.hpp>
#include <lamina/plugin/loader.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixtures/voice.hpp"

#include <dlfcn.h>

namespace lamina {
namespace {

namespace fs = std::filesystem;
using fixtures::Voice;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

fs::path folder_of(const std::string& name) { return fs::canonical(fs::path(LAMINA_FIXTURES) / name); }
fs::path file_of(const std::string& name) { return folder_of(name) / ("lamina_voice_" + name + ".so"); }

/// What load_plugin says; the registry must stay as it was.
std::string refusal(const fs::path& file) {
  Registry registry;
  try {
    load_plugin(file, registry);
  } catch (const PluginError& error) {
    EXPECT_TRUE(registry.list().empty()) << "a refused plugin left something behind";
    EXPECT_THAT(error.what(), StartsWith(file.string()));
    return error.what();
  }
  return "no refusal";
}

bool is_open(const fs::path& file) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (handle) dlclose(handle);
  return handle != nullptr;
}

TEST(Loader, OpensAGoodPluginTheFirstTimeItIsAskedFor) {
  Registry registry;
  const auto files = discover_plugins(registry, {folder_of("good")});
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(files.front().refusal, "");
  EXPECT_TRUE(registry.knows("voice", "better"));
  EXPECT_FALSE(is_open(file_of("good"))) << "looking must not open";
  EXPECT_EQ(registry.create<Voice>(ConfigNode::parse(R"({"type": "good", "number": 9})"), "v", {})->say(), 9);
  EXPECT_TRUE(is_open(file_of("good")));
  const auto& info = registry.find("voice", "better", "").info;
  EXPECT_EQ(info.version, "2");
  EXPECT_EQ(info.plugin, "good");
  EXPECT_EQ(info.file, file_of("good").string());
}

TEST(Loader, RefusesAnotherInterfaceWithBothNumbers) {
  EXPECT_THAT(refusal(file_of("other_interface")),
              HasSubstr("was built for plugin interface 999, this lamina has interface " LAMINA_DETAIL_TEXT(
                  LAMINA_PLUGIN_API) "; build the plugin again"));
}

TEST(Loader, RefusesAnotherTorchWithBothVersions) {
  EXPECT_THAT(refusal(file_of("other_torch")),
              HasSubstr("was built with torch 1.13.1, this lamina with " LAMINA_TORCH_VERSION));
}

TEST(Loader, RefusesOtherHeaders) {
  EXPECT_THAT(
      refusal(file_of("other_headers")),
      HasSubstr("was built with other headers of lamina: hash 0000000000000000, this lamina with " LAMINA_HEADER_HASH));
}

TEST(Loader, OpensNoneOfThoseThatItsStampRefuses) {
  for (const char* name : {"other_interface", "other_torch", "other_headers"}) {
    refusal(file_of(name));
    EXPECT_FALSE(is_open(file_of(name))) << name;
  }
}

TEST(Loader, RefusesALibraryWithoutStamp) {
  EXPECT_THAT(refusal(file_of("no_stamp")), HasSubstr("has no stamp, so it is no plugin of lamina"));
  EXPECT_FALSE(is_open(file_of("no_stamp")));
}

TEST(Loader, RefusesAStampWithoutDescriptor) {
  EXPECT_THAT(refusal(file_of("no_descriptor")),
              HasSubstr("has a stamp but no descriptor 'lamina_plugin_no_descriptor'"));
}

TEST(Loader, RefusesADescriptorOfAnotherSize) {
  EXPECT_THAT(refusal(file_of("wrong_size")), HasSubstr("its descriptor has 48 bytes, this lamina expects 40"));
}

TEST(Loader, RefusesAPluginThatThrowsWhileRegistering) {
  EXPECT_THAT(refusal(file_of("throws")),
              HasSubstr("failed while registering its components: the licence server is away"));
}

TEST(Loader, RefusesAPluginWhoseStampPromisesSomethingElse) {
  EXPECT_THAT(refusal(file_of("stamp_differs")),
              HasSubstr("its stamp offers voice stamp_differs 1, but it registers voice surprise 1"));
}

TEST(Loader, RefusesAPluginWithAnUnresolvedSymbol) {
  EXPECT_THAT(
      refusal(file_of("unresolved")),
      AllOf(HasSubstr("cannot be opened"), HasSubstr("function_that_nobody_wrote"), HasSubstr("link what it uses")));
}

TEST(Loader, NamesBothFilesOfADuplicateWhenItIsAskedFor) {
  Registry registry;
  discover_plugins(registry, {folder_of("good"), folder_of("duplicate")});
  EXPECT_NO_THROW(registry.find("voice", "other", ""));
  EXPECT_NO_THROW(registry.find("voice", "better", ""));
  try {
    registry.find("voice", "good", "");
    FAIL() << "the duplicate was not noticed";
  } catch (const PluginError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("the voice 'good' is offered by"), HasSubstr(file_of("good").string()),
                                    HasSubstr(file_of("duplicate").string())));
  }
}

TEST(Loader, TakesNothingOfADuplicateThatIsLoadedByHand) {
  Registry registry;
  load_plugin(file_of("good"), registry);
  EXPECT_THROW(load_plugin(file_of("duplicate"), registry), PluginError);
  EXPECT_FALSE(registry.knows("voice", "other"));
}

class TextFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(LAMINA_FIXTURES) / "text_file";
    make_folder(folder_);
    write_file(folder_ / "lamina_voice_text.so", std::string("# notes about voices\n"));
  }
  fs::path folder_;
};

TEST_F(TextFile, NamedLikeAPluginIsRefused) {
  EXPECT_THAT(refusal(fs::canonical(folder_) / "lamina_voice_text.so"),
              HasSubstr("is no shared library, only named like a plugin"));
}

TEST_F(TextFile, IsNamedWhenItsComponentIsAskedFor) {
  Registry registry;
  discover_plugins(registry, {folder_});
  EXPECT_FALSE(registry.knows("voice", "text"));
  try {
    registry.find("voice", "text", "model.voice");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("the voice 'text' comes from a plugin that cannot be used"),
                                    HasSubstr("lamina_voice_text.so")));
  }
}

TEST(Loader, ATruncatedPluginIsRefused) {
  const fs::path folder = fs::path(LAMINA_FIXTURES) / "truncated";
  make_folder(folder);
  const std::string whole = read_file(file_of("good"));
  const size_t stamp = whole.find(LAMINA_STAMP_MAGIC "\napi=");
  ASSERT_NE(stamp, std::string::npos);
  const fs::path file = folder / "lamina_voice_truncated.so";
  write_file(file, whole.substr(0, stamp + 60));
  EXPECT_THAT(refusal(file), HasSubstr("its stamp is damaged"));
  write_file(file, whole.substr(0, whole.find("end=" LAMINA_STAMP_MAGIC) + 40));
  EXPECT_THAT(refusal(file), HasSubstr("is cut off"));
}

TEST(Loader, AMissingFileIsRefused) { EXPECT_THAT(refusal("/nowhere/lamina_voice_x.so"), HasSubstr("cannot be read")); }

}  // namespace
}  // namespace lamina
