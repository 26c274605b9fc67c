// Files of torch.save (tests/parity/make_torch_files.py): every kind of number and view, containers, and what is
// refused.
#include "engine/weights/name_map.hpp"
#include "engine/weights/torch_file.hpp"
#include "engine/weights/torch_index.hpp"
#include "engine/weights/weights_file.hpp"

#include "expect_error.hpp"
#include "folder_test.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <gmock/gmock.h>

#include <cmath>

#include <torch/types.h>
#include <torch/utils.h>

namespace lamina::engine::testing {
namespace {

using lamina::testing::message_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using namespace std::string_literals;

std::filesystem::path torch_golden(const std::string& name) {
  return std::filesystem::path(LAMINA_TEST_SOURCE_DIR) / "tests/parity/torch_files" / name;
}

std::string torch_refusal(const std::string& name) {
  const auto file = torch_golden(name);
  const std::string message = message_of<DataError>([&] { read_weights_file(file); });
  EXPECT_THAT(message, HasSubstr(file.string()));
  return message;
}

class TorchViews : public ::testing::TestWithParam<std::string> {};

TEST_P(TorchViews, AreThoseOfPython) {
  const StateDict state = read_weights_file(torch_golden(GetParam())).tensors;
  EXPECT_EQ(state.size(), 19U);
  const torch::Tensor base = torch::arange(24, torch::kFloat32).reshape({4, 6});
  const std::map<std::string, torch::Tensor> expected{{"whole", base},
                                                      {"transposed", base.t()},
                                                      {"column", base.select(1, 2)},
                                                      {"corner", base.slice(0, 1, 3).slice(1, 1, 4)},
                                                      {"scalar", torch::tensor(2.5F)},
                                                      {"empty", torch::empty({0, 3})},
                                                      {"repeated", torch::full({2, 3}, 7.0F)},
                                                      {"parameter", torch::tensor({1.0F, -1.0F})},
                                                      {"kind.bool", torch::tensor({true, false, true})}};
  for (const auto& [name, tensor] : expected) EXPECT_TRUE(torch::equal(state.at(name), tensor)) << name;
  EXPECT_TRUE(state.at("nan")[0].isnan().item<bool>());
  EXPECT_EQ(state.at("whole").data_ptr<float>(), state.at("transposed").data_ptr<float>())
      << "views share their storage";
  const std::map<std::string, torch::ScalarType> kinds{
      {"float64", torch::kFloat64},   {"float32", torch::kFloat32}, {"float16", torch::kFloat16},
      {"bfloat16", torch::kBFloat16}, {"int64", torch::kInt64},     {"int32", torch::kInt32},
      {"int16", torch::kInt16},       {"int8", torch::kInt8},       {"uint8", torch::kUInt8}};
  for (const auto& [name, type] : kinds) {
    EXPECT_TRUE(torch::equal(state.at("kind." + name), torch::tensor({2, 1, 0, 1, 2, 3}).to(type).reshape({2, 3})))
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Protocols, TorchViews, ::testing::Values("views.pth", "views_protocol4.pth"),
                         [](const auto& info) { return info.index == 0 ? "Two" : "Four"; });

TEST(TorchFiles, ListWithoutTheNumbers) {
  const WeightsList list = list_weights_file(torch_golden("views.pth"));
  ASSERT_EQ(list.tensors.size(), 19U);
  EXPECT_EQ(list.format, WeightsFormat::Torch);
  EXPECT_EQ(list.tensors[0].name, "column");
  EXPECT_EQ(list.tensors[0].dtype, "F32");
  EXPECT_THAT(list.tensors[0].shape, ElementsAre(4));
}

TEST(TorchFiles, WhatIsNoTensorIsNamedAndLeftOut) {
  const WeightsFile file = read_weights_file(torch_golden("nnunet.pth"));
  EXPECT_TRUE(file.tensors.contains("network_weights.module.weight"));
  EXPECT_TRUE(file.tensors.contains("optimizer_state.state.0.momentum_buffer"));
  EXPECT_EQ(file.tensors.size(), 4U);
  EXPECT_THAT(file.foreign, IsSupersetOf({"current_epoch", "_best_ema", "trainer_name", "logging.train_losses",
                                          "logging.dice.0", "init_args.device", "init_args.plans.spacing",
                                          "optimizer_state.param_groups.0.lr", "history"}));
}

TEST(TorchFiles, ContainersAndWrappersAreOpenedByMaps) {
  const torch::Tensor weight = torch::arange(6, torch::kFloat32).reshape({2, 3});
  for (const char* name : {"data_parallel.pth", "compiled.pth", "small.pth"}) {
    const Renamed renamed = rename(read_weights_file(torch_golden(name)).tensors, "sam");
    EXPECT_TRUE(torch::equal(renamed.state.at("weight"), weight)) << name;
  }
  EXPECT_THAT(read_weights_file(torch_golden("data_parallel.pth")).foreign, ElementsAre("epoch"));
}

TEST(TorchFiles, GlobalsThatRunProgramsAreRefusedByName) {
  const std::string message = torch_refusal("os_system.pth");
  EXPECT_THAT(message, AllOf(HasSubstr("names the global 'posix.system'"), HasSubstr("nothing of the file was run")));
  EXPECT_FALSE(std::filesystem::exists("/tmp/lamina-was-here"));
  EXPECT_THAT(
      torch_refusal("namespace.pth"),
      AllOf(HasSubstr("'argparse.Namespace'"), HasSubstr("only if you know who made it"), HasSubstr("torch.load(")));
  EXPECT_THAT(torch_refusal("module.pth"), HasSubstr("'torch.nn.modules.linear.Linear'"));
}

TEST(TorchFiles, OtherFormatsAreRefusedWithTheWayOut) {
  EXPECT_THAT(torch_refusal("legacy.pth"),
              AllOf(HasSubstr("as torch before version 1.6 saved weights"), HasSubstr("s.save_file(")));
  EXPECT_THAT(torch_refusal("script.pth"),
              AllOf(HasSubstr("is a TorchScript archive: a program"), HasSubstr("torch.jit.load(")));
  EXPECT_THAT(torch_refusal("big_endian.pth"), HasSubstr("byte order 'big'"));
  EXPECT_THAT(torch_refusal("compressed.pth"), HasSubstr("is compressed"));
  EXPECT_THAT(torch_refusal("pictures.pth"), HasSubstr("none of torch.save: it has no data.pkl"));
  EXPECT_THAT(torch_refusal("tensor.pth"), HasSubstr("holds no dict of tensors by name"));
}

TEST(TorchFiles, StoragesThatDoNotFitAreRefused) {
  EXPECT_THAT(torch_refusal("missing_storage.pth"),
              HasSubstr("the numbers of tensor 'bias' (small/data/1) are missing"));
  EXPECT_THAT(torch_refusal("short_storage.pth"),
              HasSubstr("tensor 'bias' needs 2 numbers of F32, its storage has 4 bytes"));
}

class StrangeFiles : public lamina::testing::FolderTest {
 protected:
  std::string refusal(const std::string& content) const {
    const auto file = folder / "sam.pth";
    std::ofstream(file, std::ios::binary) << content;
    return message_of<DataError>([&] { read_weights_file(file); });
  }
};

TEST_F(StrangeFiles, AreNamedForWhatTheyAre) {
  EXPECT_THAT(refusal("<!DOCTYPE html><html>sign in</html>"), HasSubstr("sam.pth is a web page"));
  EXPECT_THAT(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), HasSubstr("is a Git LFS pointer"));
  EXPECT_THAT(refusal("Dear lamina, here are the weights."), HasSubstr("is neither safetensors nor a .pth"));
  EXPECT_THAT(refusal(""), HasSubstr("0 bytes are too few"));
  EXPECT_THAT(message_of<DataError>([&] { read_weights_file(folder); }), HasSubstr("it is a folder"));
  EXPECT_THAT(message_of<DataError>([&] { read_weights_file(folder / "none.pth"); }), HasSubstr("No such file"));
}

// -- the walk through a pickle that means harm

std::string word(const std::string& text) { return std::string("\x8c") + static_cast<char>(text.size()) + text; }
std::string whole(uint32_t number) { return "J" + std::string(reinterpret_cast<const char*>(&number), 4); }

/// A dict with one tensor of these numbers over a storage of six float32.
std::string one_tensor(const std::string& offset, const std::string& shape, const std::string& strides) {
  return "\x80\x02}" + word("a") + "ctorch._utils\n_rebuild_tensor_v2\n((" + word("storage") +
         "ctorch\nFloatStorage\n" + word("0") + word("cpu") + whole(6) + "tQ" + offset + shape + strides + "\x89)tRs.";
}

std::string index_refusal(const std::string& bytes) {
  return message_of<DataError>([&] { index_of(read_pickle(bytes, "file:", weight_globals()), "file:", 1000); });
}

TEST(TorchIndices, ViewsStayInsideTheirStorage) {
  const auto index = [](const std::string& bytes) {
    return index_of(read_pickle(bytes, "f:", weight_globals()), "f:", 1000);
  };
  EXPECT_EQ(index(one_tensor("K\x00"s, "K\x02K\x03\x86", "K\x03K\x01\x86")).tensors.size(), 1U);
  EXPECT_EQ(index(one_tensor("K\x05", ")", ")")).tensors[0].offset, 5);
  EXPECT_EQ(index(one_tensor("K\x09", "K\x00\x85"s, "K\x01\x85")).tensors[0].shape.size(),
            1U);  // empty: nothing is read
  for (const auto& bytes : {one_tensor("K\x01", "K\x02K\x03\x86", "K\x03K\x01\x86"), one_tensor("K\x06", ")", ")"),
                            one_tensor("K\x00"s, "K\x03\x85", "K\x03\x85"),
                            one_tensor("K\x00"s, whole(0x7FFFFFFF) + whole(0x7FFFFFFF) + "\x86",
                                       whole(0x7FFFFFFF) + whole(0x7FFFFFFF) + "\x86")})
    EXPECT_THAT(index_refusal(bytes), HasSubstr("reaches beyond its storage of 6"));
  EXPECT_THAT(index_refusal(one_tensor(whole(0xFFFFFFFF), ")", ")")), HasSubstr("no whole number >= 0"));
  EXPECT_THAT(index_refusal(one_tensor("K\x00"s, "K\x02\x85", "J\xff\xff\xff\xff\x85")),
              HasSubstr("no whole number >= 0"));
  EXPECT_THAT(index_refusal(one_tensor("K\x00"s, "K\x02\x85", ")")), HasSubstr("1 sizes and 0 strides"));
  EXPECT_THAT(index_refusal(one_tensor("N", ")", ")")), HasSubstr("no whole number"));
}

TEST(TorchIndices, NothingUnfoldsWithoutEnd) {
  // one number, repeated two billion times
  EXPECT_THAT(index_refusal(one_tensor("K\x00"s, whole(0x7FFFFFFF) + "\x85", "K\x00\x85"s)),
              HasSubstr("unfolds to far more than its own size"));
  const std::string huge = "\x8a\x08" + std::string(7, '\xff') + "\x7f";
  EXPECT_THAT(index_refusal(one_tensor("K\x00"s, huge + huge + "\x86", "K\x00K\x00\x86"s)),
              HasSubstr("impossible shape"));
  EXPECT_THAT(index_refusal(one_tensor("K\x00"s, huge + huge + "K\x00\x87"s, "K\x00K\x00K\x00\x87"s)),
              HasSubstr("impossible shape"));
  // each dict holds the one before it twice: 2^30 places from 300 bytes
  std::string doubling = "\x80\x02}(" + word("first") + "}q\x00"s;
  for (char i = 0; i < 30; ++i)
    doubling +=
        word(text("k", int{i})) + "}(" + word("a") + "h" + i + word("b") + "h" + i + "uq" + static_cast<char>(i + 1);
  EXPECT_THAT(index_refusal(doubling + "u."), HasSubstr("unfolds to more than 1048576 values"));
  // a dict that holds itself
  EXPECT_THAT(index_refusal("\x80\x02}q\x01" + word("a") + "h\x01s."), HasSubstr("nested more than 32 levels deep"));
}

TEST(TorchIndices, WhatIsNoDictHoldsNoWeights) {
  EXPECT_THAT(index_refusal("\x80\x02N."), HasSubstr("holds no dict of tensors by name"));
  EXPECT_THAT(index_refusal("\x80\x02}" + word("a") + "ctorch._utils\n_rebuild_tensor_v2\n)Rs."),
              HasSubstr("'a' has 0 parts of 4"));
  EXPECT_THAT(index_refusal("\x80\x02}" + word("a") + "ctorch._utils\n_rebuild_parameter\nN\x85Rs."),
              HasSubstr("parameter 'a' is no tensor"));
}

}  // namespace
}  // namespace lamina::engine::testing
