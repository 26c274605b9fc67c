// Every backbone with every prompter and every decoder of the build: each triple builds and makes one step, or is
// refused with a reason that names what is missing. The list comes from the registry, so a new component is tried by
// itself; where its defaults are too large for a test, a line in small_options() makes it small.
#include "component_test.hpp"

#include <iostream>
#include <map>
#include <regex>
#include <set>

namespace lamina {
namespace {

constexpr int64_t kClasses = 3;
const Size3 kPatch{2, 64, 64};

/// Options behind the type; several where a component works in several ways.
const std::map<std::string, std::vector<std::string>>& small_options() {
  static const std::map<std::string, std::vector<std::string>> table{
      {"backbone sam_vit", {R"("size": "tiny")"}},
      {"backbone mobile_sam", {R"("size": "tiny")"}},
      {"backbone unet_encoder", {R"("channels": [8, 12])"}},
      {"prompter grid", {R"("points": 2)"}},
      {"prompter learned", {R"("queries": 2)", R"("queries": 2, "class_tokens": true)"}},
      {"prompter masksam", {R"("queries": 2, "base_channels": 16)"}},
      {"prompter given", {R"("queries": 0)", R"("queries": 1)"}},
      {"decoder sam_mask",
       {R"("mask_tokens": "per_class", "heads": 4, "mlp_channels": 16)",
        R"("mask_tokens": "per_class", "upscale": 16, "upscale_channels": [8, 8, 4, 4], "heads": 4, "mlp_channels": 16)",
        R"("mask_tokens": "sam", "heads": 4, "mlp_channels": 16)"}},
      {"decoder mask_classifier", {R"("heads": 4, "mlp_channels": 16)"}},
      {"decoder hierarchical", {R"("heads": 4, "mlp_channels": 16, "cmattn_channels": 16)"}},
      {"decoder vit_head", {R"("heads": 4, "mlp_channels": 16)"}},
      {"decoder cnn_head", {R"("depth": 2, "channels": 8)"}},
  };
  return table;
}

struct Part {
  std::string name, entry;  // entry: JSON
};

std::vector<Part> parts_of(const std::string& kind) {
  std::vector<Part> parts;
  for (const auto& info : testing::registry().list(kind)) {
    const auto found = small_options().find(kind + " " + info.name);
    const std::vector<std::string> variants =
        found == small_options().end() ? std::vector<std::string>{""} : found->second;
    for (const auto& options : variants)
      parts.push_back({info.name, text(R"({"type": ")", info.name, '"', options.empty() ? "" : ", ", options, "}")});
  }
  return parts;
}

/// A user's prompts: a box, a point and a mask on every slice, each asking for a class.
Prompts user_prompts(const std::string& prompter, int64_t slices) {
  Prompts prompts;
  if (prompter != "given") return prompts;
  prompts.image_index = torch::arange(slices);
  prompts.class_id = torch::ones({slices}, torch::kInt64);
  prompts.boxes = torch::tensor({8.0F, 8.0F, 40.0F, 48.0F}).repeat({slices, 1});
  return prompts;
}

/// Something of everything that a loss may read: class logits, masks of prompts or queries, their scores.
torch::Tensor loss_of(const Output& output) {
  torch::Tensor loss = torch::zeros({});
  for (const torch::Tensor& part :
       {output.classes, output.low_res, output.quality, output.query_masks, output.query_classes}) {
    if (!part.defined() || part.numel() == 0) continue;
    loss = loss + (part - testing::normal(part.sizes().vec())).pow(2).mean();
  }
  return loss;
}

/// Why the model cannot be; "" when it was built and stepped.
std::string refusal_of(const Part& backbone, const Part& prompter, const Part& decoder) {
  const std::string section = text(R"({"encoder": )", backbone.entry, R"(, "prompter": )", prompter.entry,
                                   R"(, "decoder": )", decoder.entry, "}");
  std::shared_ptr<Model> model;
  try {
    model = testing::build_model(section, {1, kClasses, kPatch});
  } catch (const ConfigError& refused) {
    return refused.what();
  }
  model->set_mode(Mode::Train);
  Batch batch = testing::noise_batch(1, 1, kPatch, kClasses);
  const Prompts prompts = user_prompts(prompter.name, kPatch[0]);
  if (prompts.image_index.defined()) batch.prompts.set(kPrimaryStream, prompts);
  const auto step = [&] {
    const Output output = forward(*model, Mode::Train, batch).outputs.primary();
    EXPECT_EQ(output.classes.sizes().slice(0, 2), (std::vector<int64_t>{1, kClasses})) << section;
    const torch::Tensor loss = loss_of(output);
    EXPECT_TRUE(std::isfinite(loss.item<double>())) << section;
    return loss;
  };
  step().backward();
  const torch::NoGradGuard no_grad;
  double reached = 0;
  for (auto& parameter : model->parameters()) {
    if (!parameter.grad().defined()) continue;
    reached = std::max(reached, parameter.grad().abs().max().item<double>());
    parameter.add_(parameter.grad(), -1e-3);
  }
  EXPECT_GT(reached, 0) << section << ": the loss reaches no parameter";
  step();
  return "";
}

/// Says which part, and what it lacks or takes.
bool names_what_is_missing(const std::string& reason) {
  static const std::regex subject(R"(model\.(encoder|prompter|decoder))");
  static const std::regex cause(R"(needs|does not take|expected|takes one|makes none|set |use |give )");
  return std::regex_search(reason, subject) && std::regex_search(reason, cause);
}

TEST(EveryTriple, BuildsAndStepsOrSaysWhatIsMissing) {
  std::map<std::string, std::set<std::string>> at_work;  // components of each kind that some triple has built with
  std::set<std::string> built;
  for (const auto& backbone : parts_of("backbone")) {
    for (const auto& prompter : parts_of("prompter")) {
      for (const auto& decoder : parts_of("decoder")) {
        const std::string names = text(backbone.name, " + ", prompter.name, " + ", decoder.name);
        std::string reason;
        try {
          reason = refusal_of(backbone, prompter, decoder);
        } catch (const std::exception& problem) {  // a model that was built must also run
          ADD_FAILURE() << prompter.entry << " + " << decoder.entry << " on " << backbone.name << ": "
                        << std::string(problem.what()).substr(0, 300);
          continue;
        }
        if (!reason.empty()) {
          EXPECT_TRUE(names_what_is_missing(reason)) << names << ": " << reason;
          continue;
        }
        built.insert(names);
        at_work["backbone"].insert(backbone.name);
        at_work["prompter"].insert(prompter.name);
        at_work["decoder"].insert(decoder.name);
      }
    }
  }
  std::cout << built.size() << " triples build and step: " << join(std::vector<std::string>(built.begin(), built.end()))
            << '\n';
  for (const char* kind : {"backbone", "prompter", "decoder"}) {
    for (const auto& info : testing::registry().list(kind))
      EXPECT_TRUE(at_work[kind].contains(info.name)) << kind << ' ' << info.name << " builds with nothing at all";
  }
  for (const char* method :
       {"unet_encoder + none + unet", "sam_vit + none + sam_mask", "sam_vit + masksam + mask_classifier",
        "mobile_sam + none + sam_mask", "sam_vit + label_box + sam_mask"})
    EXPECT_TRUE(built.contains(method)) << method;
}

}  // namespace
}  // namespace lamina
