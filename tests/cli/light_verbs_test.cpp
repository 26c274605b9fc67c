// The words of the light verbs stay: golden texts, exit codes, what goes to stdout and what to stderr.
#include <lamina/base/text.hpp>
#include <lamina/options/config_node.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process.hpp"

namespace lamina {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kGood = "--plugin-path " LAMINA_FIXTURES "/good ";

std::string golden(const std::string& name) {
  return read_file(fs::path(LAMINA_TEST_SOURCE_DIR) / "tests" / "cli" / "golden" / name);
}

/// Compares with a golden file; LAMINA_REFRESH_GOLDEN=1 writes it instead.
void expect_golden(const std::string& words, const std::string& name) {
  const Outcome outcome = lamina(words);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  if (std::getenv("LAMINA_REFRESH_GOLDEN"))
    write_file(fs::path(LAMINA_TEST_SOURCE_DIR) / "tests" / "cli" / "golden" / name, outcome.out);
  EXPECT_EQ(outcome.out, golden(name)) << "if this is meant: LAMINA_REFRESH_GOLDEN=1 " LAMINA_TEST_PROGRAM;
}

void expect_refusal(const std::string& words, const std::string& message) {
  const Outcome outcome = lamina(words);
  EXPECT_EQ(outcome.code, 2) << words;
  EXPECT_EQ(outcome.out, "") << words;
  EXPECT_EQ(outcome.err, "error: " + message + "\n") << words;
}

class PluginFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / text("lamina-plugin-new-", getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST(List, ShowsOneKind) { expect_golden(kGood + "list voice", "list_voice.txt"); }

TEST(List, ShowsEveryComponentOfTheTree) { expect_golden("list", "list.txt"); }

TEST(List, JsonHoldsEveryField) {
  const Outcome outcome = lamina(kGood + "list voice --json");
  const auto list = ConfigNode::parse(outcome.out);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list.at(1).at("name").as_text(), "good");
  EXPECT_EQ(list.at(1).at("version").as_text(), "1");
  EXPECT_EQ(list.at(1).at("summary").as_text(), "Says a number");
  EXPECT_EQ(fs::path(list.at(1).at("file").as_text()).filename(), "lamina_voice_good.so");
}

TEST(List, PluginsNamesRefusedFilesWithTheReason) {
  const Outcome outcome = lamina("list --plugins --plugin-path " LAMINA_FIXTURES "/other_torch");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("refused  " + fs::canonical(LAMINA_FIXTURES).string()));
  EXPECT_THAT(outcome.out, HasSubstr("was built with torch 1.13.1"));
  EXPECT_THAT(outcome.out, HasSubstr("usable   "));
  const auto node =
      ConfigNode::parse(lamina("list --plugins --json --plugin-path " LAMINA_FIXTURES "/other_torch").out);
  EXPECT_THAT(node.at(0).at("refusal").as_text(), HasSubstr("1.13.1"));
}

TEST(List, WarnsOnStderrOfWhatCannotBeUsed) {
  const Outcome outcome = lamina("list --plugin-path " LAMINA_FIXTURES "/other_torch");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, StartsWith("warning: "));
  EXPECT_THAT(outcome.out, Not(HasSubstr("other_torch")));
}

TEST(LightVerbs, LoadNoTorch) {
  for (const char* words : {"list", "--version", "list --help", "plugin new --help"}) {
    const Outcome outcome = lamina(words, "LD_DEBUG=files");
    EXPECT_THAT(outcome.err, HasSubstr("liblamina_base.so")) << "LD_DEBUG says nothing here";
    EXPECT_THAT(outcome.err, Not(HasSubstr("libtorch"))) << words;
  }
}

TEST(Help, StaysAsItIs) {
  expect_golden("list --help", "help_list.txt");
  expect_golden("help plugin new", "help_plugin_new.txt");
  expect_golden("completion --help", "help_completion.txt");
}

TEST(Help, VersionNamesInterfaceAndTorch) {
  const Outcome outcome = lamina("--version");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(
      outcome.out,
      testing::MatchesRegex(
          "lamina [0-9.]+ \\(plugin interface [0-9]+, torch [0-9.]+ [a-z0-9]+, gcc [0-9]+, headers [0-9a-f]+\\)\n"));
}

TEST(Mistakes, AreAnsweredInWordsWithExitCode2) {
  expect_refusal("list --jsn",
                 "there is no option '--jsn' (did you mean '--json'?)\nusage: lamina list [KIND] [--json] [--plugins]");
  expect_refusal("list a b", "there are too many words\nusage: lamina list [KIND] [--json] [--plugins]");
  expect_refusal("--log-level loud list", "--log-level loud: expected debug, info, warning or error");
  expect_refusal("list --plugin-path /no/where", "--plugin-path /no/where: there is no such folder");
  expect_refusal("--hlep",
                 "there is no option '--hlep' (did you mean '--help'?)\nusage: lamina VERB [arguments]; lamina --help "
                 "lists the verbs");
  expect_refusal("plugin new adapter", "'name' is missing\nusage: lamina plugin new KIND NAME [--output DIR]");
  expect_refusal("plugin new adaptor gain",
                 "there is no template for the kind 'adaptor' (did you mean 'adapter'?); kinds with one: adapter, "
                 "decoder, loss, metric, transform");
  expect_refusal("plugin new adapter EdgeGain",
                 "'EdgeGain' is no name for a component; expected small letters, digits and single _, like edge_gain");
  expect_refusal("completion zsh", "there is no completion for 'zsh'; expected bash");
}

TEST_F(PluginFolder, PluginNewWritesAWholePluginUnderItsOwnName) {
  const Outcome outcome = lamina("plugin new loss edge_gain --output " + folder_.string());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::vector<std::string> files;
  for (const auto& item : fs::directory_iterator(folder_)) {
    files.push_back(item.path().filename());
    const std::string content = read_file(item.path());
    for (const char* placeholder : {"my_component", "MyComponent", "@kind@", "@name@", "@version@"}) {
      EXPECT_THAT(content, Not(HasSubstr(placeholder))) << item.path();
    }
  }
  EXPECT_THAT(files, testing::UnorderedElementsAre("CMakeLists.txt", "README.md", "edge_gain.hpp", "edge_gain.cpp",
                                                   "edge_gain_test.cpp", "plugin.cpp"));
  EXPECT_THAT(read_file(folder_ / "edge_gain.hpp"), HasSubstr("class EdgeGain : public lamina::Loss"));
  EXPECT_THAT(outcome.err, HasSubstr("cmake -S " + folder_.string()));
}

TEST_F(PluginFolder, PluginNewOverwritesNothing) {
  make_folder(folder_);
  write_file(folder_ / "mine", std::string("precious"));
  expect_refusal("plugin new loss gain --output " + folder_.string(),
                 folder_.string() + ": is there already and not empty; remove it or give another --output");
  EXPECT_EQ(read_file(folder_ / "mine"), "precious");
}

TEST_F(PluginFolder, PluginNewSaysInWordsThatItCannotWrite) {
  const Outcome outcome = lamina("plugin new loss gain --output /proc/gain");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("error: cannot make the folder /proc/gain"));
}

}  // namespace
}  // namespace lamina
