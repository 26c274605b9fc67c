// Stage hashes: what changes which of them.
#include "experiment_fixture.hpp"

#include "engine/experiment/sha256.hpp"

namespace lamina::engine::testing {

class StageHash : public ExperimentFiles {
 protected:
  StageHashes of(const std::vector<std::string>& words = {}, const std::string& data = "data") const {
    return load("small.json", words).hashes(*registry, data);
  }
  /// Letters of the stages whose hashes differ from those of the plain file.
  std::string changed(const StageHashes& other) const {
    const StageHashes plain = of();
    std::string letters;
    if (plain.prepare != other.prepare) letters += "p";
    if (plain.train != other.train) letters += "t";
    if (plain.infer != other.infer) letters += "i";
    if (plain.evaluate != other.evaluate) letters += "e";
    return letters;
  }
};

TEST_F(StageHash, IsSha256InHexadecimal) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_file(write("abc", "abc")), sha256("abc"));
  EXPECT_EQ(of().train.size(), 64u);
}

TEST_F(StageHash, ChangesFromTheFirstStageThatSeesTheOption) {
  EXPECT_EQ(changed(of()), "");
  EXPECT_EQ(changed(of({"runtime.threads=7", "runtime.device=cpu", "name=other"})), "");
  EXPECT_EQ(changed(of({"prepare=[]"})), "ptie");
  EXPECT_EQ(changed(of({}, "other data")), "ptie");
  EXPECT_EQ(changed(of({"train.patch=[1,64,64]"})), "tie");
  EXPECT_EQ(changed(of({"model.encoder.width=5"})), "tie");
  EXPECT_EQ(changed(of({"augment=[\"crop\"]"})), "tie");
  EXPECT_EQ(changed(of({"seed=2"})), "tie");
  EXPECT_EQ(changed(of({"infer.overlap=0.25"})), "ie");
  EXPECT_EQ(changed(of({"postprocess=[\"largest_component\"]"})), "ie");
  EXPECT_EQ(changed(of({"evaluate.metrics=[\"iou\"]"})), "e");
}

TEST_F(StageHash, DoesNotDependOnSpelling) {
  EXPECT_EQ(changed(of({"model.encoder.norm=instance", "infer={\"type\":\"sliding_window\",\"overlap\":0.50}",
                        "loss={\"type\":\"dice_ce\"}"})),
            "");
}

TEST_F(StageHash, LeavesOutWhereDataLieButNotWhatFilesHold) {
  EXPECT_EQ(changed(of({"dataset.root=elsewhere"})), "");
  write("a.json", "[1]");
  write("b.json", "[1]");
  const StageHashes first = of({"dataset.split=a.json"});
  EXPECT_EQ(of({"dataset.split=b.json"}).prepare, first.prepare);
  write("b.json", "[1, 2]");
  EXPECT_NE(of({"dataset.split=b.json"}).prepare, first.prepare);
}

TEST_F(StageHash, SeesTheContentOfPretrainedWeights) {
  write("w.safetensors", "one");
  const std::string set = "weights=[{\"file\":\"w.safetensors\"}]";
  const StageHashes first = of({set});
  EXPECT_EQ(changed(first), "tie");
  write("w.safetensors", "another");
  EXPECT_NE(of({set}).train, first.train);
  EXPECT_EQ(of({set}).prepare, first.prepare);
}

// Two arms that leave other parts of a file aside start from other weights; they had shared one training.
TEST_F(StageHash, SeesWhatOfAFileIsSkipped) {
  write("w.safetensors", "content");
  const StageHashes whole = of({"weights=[{\"file\":\"w.safetensors\"}]"});
  EXPECT_NE(of({"weights=[{\"file\":\"w.safetensors\",\"skip\":[\"decoder.**\"]}]"}).train, whole.train);
}

TEST_F(StageHash, SeesTheVersionsOfTheComponentsInUse) {
  const Experiment one = load("small.json");
  const auto newer = fake_registry("2");
  EXPECT_NE(one.hashes(*newer, "data").train, one.hashes(*registry, "data").train);
  EXPECT_EQ(one.hashes(*newer, "data").prepare, one.hashes(*registry, "data").prepare);
  const Experiment other = load("small.json", {"model.encoder={\"type\":\"other_net\"}"});
  EXPECT_EQ(other.hashes(*newer, "data").train, other.hashes(*registry, "data").train);
}

TEST_F(StageHash, SeesComponentsInsideOtherComponents) {
  const auto nested = [&](const std::string& part) {
    return of({"loss={\"type\":\"sum\",\"parts\":[\"" + part + "\"]}"});
  };
  EXPECT_EQ(changed(nested("dice_ce")), "tie");
  EXPECT_NE(nested("dice_ce").train, nested("sum").train);
}

}  // namespace lamina::engine::testing
