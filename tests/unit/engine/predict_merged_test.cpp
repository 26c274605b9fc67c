// Low-rank adapters are folded into their maps while a case is predicted, and taken out again afterwards.
#include "predict_fixture.hpp"

#include <lamina/model/adapter.hpp>
#include <lamina/model/session.hpp>
#include <lamina/nn/mlp_block.hpp>

namespace lamina::engine::testing {
namespace {

/// The image, each voxel through a linear map of one channel that starts as the identity.
class MappedEye : public Eye {
 public:
  MappedEye(const Options& options, const BackboneContext& context) : Eye(options, context) {
    map_ = register_module("map", std::make_shared<nn::SiteLinear>(*this, "map", Layout::Tokens, 1, 1));
    const at::NoGradGuard no_grad;
    map_->weight().fill_(1);
    map_->bias().zero_();
  }
  Features encode(const torch::Tensor& image, const NameSet&, Scene& scene) override {
    Features made;
    made.set("image", map_->forward(image.unsqueeze(-1), {}, scene).squeeze(-1));
    return made;
  }

 private:
  std::shared_ptr<nn::SiteLinear> map_;
};

int applied = 0;  // forwards in which the unit itself ran

/// Adds a third of the input to the output.
class ThirdMore : public AdapterUnit {
 public:
  ThirdMore() { share_ = register_parameter("share", at::full({}, 1.0 / 3)); }
  torch::Tensor apply(const SiteCall& call) override {
    ++applied;
    return call.output + call.input * share_;
  }
  std::optional<LinearMap> merge(const Site&, const LinearMap& map) const override {
    return LinearMap{map.weight + share_, map.bias};
  }

 private:
  torch::Tensor share_;
};

class Thirds : public Adapter {
 public:
  using Options = NoOptions;
  Thirds(const Options&, const AdapterContext&) {}
  std::vector<std::string> default_sites() const override { return {"encoder.map"}; }
  std::shared_ptr<AdapterUnit> attach(const Site&, const HostInfo&) override { return std::make_shared<ThirdMore>(); }
};

class PredictingMerged : public Predicting {
 protected:
  PredictingMerged() {
    Registrar registrar("merged tests", "");
    registrar.add<MappedEye>("backbone", "mapped_eye", "1", "the image through a linear map");
    registrar.add<Thirds>("adapter", "thirds", "1", "a third more");
    registry->add(registrar.take());
  }
  const std::vector<std::string> words{R"(model.encoder="mapped_eye")", R"(model.adapters=["thirds"])"};
};

}  // namespace

TEST_F(PredictingMerged, RunsOneMapAndGivesTheSameLabels) {
  const Case raw = blocks();
  const Predictor predictor({checkpoint("run", words, 4.0 / 3)},
                            *registry);  // centres moved as the map moves the image
  applied = 0;
  const torch::Tensor labels = predictor.predict(raw).voxels;
  EXPECT_EQ(applied, 0) << "the adapter ran beside the map";
  EXPECT_TRUE(at::equal(labels.to(at::kFloat), expected(raw)));
}

// A model that is validated while it trains must go on as it was.
TEST_F(PredictingMerged, LeavesTheModelUnmergedAfterwards) {
  const Experiment one = experiment(words);
  const auto model = initial_model(one, info, *registry);
  const Predictor predictor(model, one, info, fitted(one), *registry);
  Batch batch;
  batch.images = Streams<torch::Tensor>(at::full({1, 1, 4, 16, 16}, 3.0));
  const auto seen = [&] { return forward(*model, Mode::Infer, batch).outputs.primary().classes; };
  const torch::Tensor before = seen();
  applied = 0;
  predictor.predict(blocks());
  EXPECT_EQ(applied, 0);
  EXPECT_TRUE(at::equal(seen(), before));
  EXPECT_EQ(applied, 1);
  const at::NoGradGuard no_grad;
  model->named_parameters()["adapters.thirds.encoder/map.share"].fill_(1);
  EXPECT_FALSE(at::equal(seen(), before)) << "the maps are still those of before";
}

}  // namespace lamina::engine::testing
