// Merging along `base`.
#include "experiment_fixture.hpp"

namespace lamina::engine::testing {

class Merging : public ExperimentFiles {
 protected:
  ConfigNode merged(const std::string& name) const {
    std::map<std::string, std::string> provenance;
    return read_merged(folder / name, provenance);
  }
};

TEST_F(Merging, GoesLeftToRightWithTheFileLast) {
  write("a.json", R"({"seed": 1, "train": {"batch": 1, "epochs": 1, "ema": 0.5}})");
  write("b.json", R"({"seed": 2, "train": {"batch": 2, "epochs": 2}})");
  write("c.json", R"({"base": ["a.json", "b.json"], "train": {"batch": 3}})");
  EXPECT_EQ(merged("c.json").dump(), R"({"seed":2,"train":{"batch":3,"ema":0.5,"epochs":2}})");
}

TEST_F(Merging, ReplacesScalarsAndLists) {
  write("a.json", R"({"prepare": [{"type": "zscore"}, {"type": "crop"}], "runtime": {"device": "cpu"}})");
  write("b.json", R"({"base": "a.json", "prepare": [], "runtime": null})");
  EXPECT_EQ(merged("b.json").dump(), R"({"prepare":[],"runtime":null})");
}

TEST_F(Merging, ReplacesAComponentOfAnotherTypeWhole) {
  write("a.json", R"({"model": {"encoder": {"type": "net", "width": 4}, "decoder": {"type": "head", "depth": 1}}})");
  write("b.json",
        R"({"base": "a.json", "model": {"encoder": {"type": "other_net"}, "decoder": {"type": "head", "x": 2}}})");
  EXPECT_EQ(merged("b.json").dump(),
            R"({"model":{"decoder":{"depth":1,"type":"head","x":2},"encoder":{"type":"other_net"}}})");
}

TEST_F(Merging, EditsInheritedLists) {
  write("a.json",
        R"({"prepare": [{"id": "n", "type": "zscore"}, {"type": "crop"}], "train": {"trainable": ["a.**", "b.**"]}})");
  write("b.json", R"({"base": "a.json", "prepare": {"$remove": ["crop"], "$prepend": ["first"], "$append": ["last"]},
                      "train": {"trainable": {"$remove": ["a.**"]}}, "augment": {"$append": ["new"]}})");
  EXPECT_EQ(
      merged("b.json").dump(),
      R"({"augment":["new"],"prepare":["first",{"id":"n","type":"zscore"},"last"],"train":{"trainable":["b.**"]}})");
}

TEST_F(Merging, RefusesToRemoveWhatIsNotThere) {
  write("a.json", R"({"prepare": [{"id": "norm", "type": "zscore"}]})");
  write("b.json", R"({"base": "a.json", "prepare": {"$remove": ["nrm"]}})");
  EXPECT_EQ(refusal([&] { merged("b.json"); }),
            (folder / "b.json").string() +
                ": prepare.$remove: there is no entry 'nrm' in the inherited list (did you mean 'norm'?); "
                "there are: norm");
  write("c.json", R"({"base": "a.json", "prepare": {"$apend": []}})");
  EXPECT_NE(refusal([&] {
              merged("c.json");
            }).find("prepare.$apend: expected only $append, $prepend, $remove here (did you mean '$append'?)"),
            std::string::npos);
}

TEST_F(Merging, RefusesCyclesAndEndlessChains) {
  write("a.json", R"({"base": "b.json"})");
  write("b.json", R"({"base": "a.json"})");
  EXPECT_EQ(refusal([&] { merged("a.json"); }), "the `base` entries form a cycle: a.json -> b.json -> a.json");
  for (int i = 0; i < 17; ++i)
    write("n" + std::to_string(i) + ".json", R"({"base": "n)" + std::to_string(i + 1) + R"(.json"})");
  write("n17.json", "{}");
  EXPECT_NE(refusal([&] { merged("n0.json"); }).find("nested deeper than 16 files"), std::string::npos);
}

TEST_F(Merging, NamesTheMissingBase) {
  write("a.json", R"({"base": "smal.json"})");
  EXPECT_NE(refusal([&] { merged("a.json"); }).find("'smal.json'"), std::string::npos);
}

}  // namespace lamina::engine::testing
