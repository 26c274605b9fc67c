// Safetensors files: every type there and back, and every kind of damage refused in words.
#include <bit>
#include <fstream>

#include "component_test.hpp"

namespace lamina {
namespace {

using std::filesystem::path;
using ::testing::HasSubstr;

struct SafetensorsTest : ::testing::Test {
  path folder = std::filesystem::temp_directory_path() / text("lamina_safetensors_", ::getpid());
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // A file with this header and so many bytes of data.
  path write(const std::string& header, size_t data_bytes, uint64_t claimed_length = 0) const {
    const path file = folder / "made.safetensors";
    std::ofstream out(file, std::ios::binary);
    const uint64_t length = claimed_length ? claimed_length : header.size();
    out.write(reinterpret_cast<const char*>(&length), 8);
    out << header << std::string(data_bytes, '\1');
    return file;
  }
  std::string refusal(const std::string& header, size_t data_bytes, uint64_t claimed_length = 0) const {
    const path file = write(header, data_bytes, claimed_length);
    const std::string message = testing::message_of([&] { read_safetensors(file); });
    EXPECT_THAT(message, HasSubstr(file.string()));
    EXPECT_THROW(list_safetensors(file), DataError);
    return message;
  }
};

TEST_F(SafetensorsTest, EveryTypeComesBackBitEqual) {
  TensorDict tensors;
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    tensors[text("t.", c10::toString(type))] = (testing::normal({3, 5}, 4) * 9).abs().to(type);
  }
  tensors["scalar"] = torch::tensor(2.5);
  tensors["empty"] = torch::empty({0, 4});
  tensors["strided"] = testing::normal({4, 6}).t();
  write_safetensors(folder / "a.safetensors", tensors, {{"key", "a \"quoted\" value\n"}});
  const auto file = read_safetensors(folder / "a.safetensors");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(file.tensors.at(name), tensor)) << name;
  }
  EXPECT_EQ(file.metadata.at("key"), "a \"quoted\" value\n");
}

TEST_F(SafetensorsTest, ListReadsTheHeaderAlone) {
  write_safetensors(folder / "a.safetensors", {{"b", torch::zeros({2, 3})}, {"a", torch::zeros({1}, torch::kInt64)}},
                    {{"k", "v"}});
  std::map<std::string, std::string> metadata;
  const auto entries = list_safetensors(folder / "a.safetensors", &metadata);
  ASSERT_EQ(entries.size(), 2);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].dtype, "I64");
  EXPECT_EQ(entries[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(metadata.at("k"), "v");
}

TEST_F(SafetensorsTest, TensorsLieAligned) {
  write_safetensors(folder / "a.safetensors",
                    {{"a", torch::zeros({3}, torch::kUInt8)}, {"b", torch::zeros({2}, torch::kFloat64)}});
  EXPECT_EQ(std::filesystem::file_size(folder / "a.safetensors") % 8, 3);  // the three single bytes come last
}

TEST_F(SafetensorsTest, ReadsWhatPythonWrote) {
  const auto file = read_safetensors(std::string(LAMINA_TEST_SOURCE_DIR) + "/tests/parity/optimizers.safetensors");
  EXPECT_EQ(file.tensors.at("start.layer.weight").sizes(), (std::vector<int64_t>{4, 3}));
}

TEST_F(SafetensorsTest, TruncatedFilesAreRefused) {
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7),
              HasSubstr("is truncated: its tensors need 8 bytes, 7 are there"));
  EXPECT_THAT(refusal("{}", 0, 50), HasSubstr("is truncated: its header needs 50 bytes, 2 are there"));
  std::ofstream(folder / "short.safetensors") << "abc";
  EXPECT_THAT(testing::message_of([&] { read_safetensors(folder / "short.safetensors"); }),
              HasSubstr("3 bytes are too few"));
  EXPECT_THAT(testing::message_of([&] { read_safetensors(folder / "none.safetensors"); }), HasSubstr("cannot be read"));
}

TEST_F(SafetensorsTest, HugeHeadersAreRefusedBeforeMemoryIsTaken) {
  EXPECT_THAT(refusal("{}", 0, uint64_t{1} << 62), HasSubstr("claims a header of"));
}

TEST_F(SafetensorsTest, OverlapsHolesAndLeftoversAreRefused) {
  EXPECT_THAT(
      refusal(
          R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
          6),
      HasSubstr("'b' overlaps"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6),
              HasSubstr("2 bytes before tensor 'a'"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 6),
              HasSubstr("2 bytes after its last tensor"));
}

TEST_F(SafetensorsTest, ImpossibleShapesAndOffsetsAreRefused) {
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8),
              HasSubstr("impossible shape"));
  // nothing is in it, but its strides would be products of the other sizes
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0),
              HasSubstr("impossible shape"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", 8),
              HasSubstr("impossible size"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8),
              HasSubstr("no whole number >= 0"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
              HasSubstr("has 8 bytes; its shape [3] of F32 needs 12"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8),
              HasSubstr("ends before it begins"));
}

TEST_F(SafetensorsTest, UnknownTypesAndBrokenHeadersAreRefused) {
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", 2),
              HasSubstr("has the type 'F8_E4M3'; lamina reads F64"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[2]}})", 2), HasSubstr("needs dtype, shape and two data_offsets"));
  EXPECT_THAT(refusal("not json", 0), HasSubstr("no safetensors file"));
  EXPECT_THAT(refusal(R"([1, 2])", 0), HasSubstr("no safetensors file"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":1}})", 0), HasSubstr("metadata 'a' is no text"));
}

// A shape of 100,000 brackets was printed for the message, one call inside the other, until the stack ended.
TEST_F(SafetensorsTest, DeepHeadersAreRefused) {
  const std::string open(100'000, '['), close(100'000, ']');
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[)" + open + close + R"(],"data_offsets":[0,8]}})", 8),
              HasSubstr("nested deeper than a safetensors header"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", 8),
              HasSubstr("no whole number >= 0: \"2\""));
}

TEST_F(SafetensorsTest, AnyCutOfAFileIsRefusedAndNeverCrashes) {
  write_safetensors(folder / "a.safetensors", {{"a", testing::normal({5})}, {"b", testing::normal({2, 2})}},
                    {{"k", "v"}});
  std::ifstream in(folder / "a.safetensors", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  for (size_t length = 0; length < whole.size(); ++length) {
    std::ofstream(folder / "cut.safetensors", std::ios::binary) << whole.substr(0, length);
    EXPECT_THROW(read_safetensors(folder / "cut.safetensors"), DataError) << length;
  }
}

TEST_F(SafetensorsTest, AFolderThatDoesNotExistIsAStorageError) {
  EXPECT_THROW(write_safetensors(folder / "no" / "such" / "a.safetensors", {{"a", torch::zeros({1})}}), StorageError);
}

}  // namespace
}  // namespace lamina
