// The pickle machine: every operation it knows, and what it must not do to anybody.
#include "engine/weights/pickle.hpp"
#include "engine/weights/printable.hpp"

#include "expect_error.hpp"

#include <lamina/base/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamina::engine::testing {
namespace {

using lamina::testing::message_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = PickleNode::Kind;
using namespace std::string_literals;

const PickleGlobals kFew{"collections.OrderedDict", "torch.FloatStorage"};

/// A pickle of protocol 2 with this body; bytes of it may be 0.
Pickle machine(const std::string& body) { return read_pickle("\x80\x02" + body + ".", "file:", kFew); }
std::string refused_pickle(const std::string& body) {
  return message_of<DataError>([&] { machine(body); });
}

PickleNode root_of(const std::string& body) {
  const Pickle pickle = machine(body);
  return pickle[pickle.root];
}

TEST(PickleMachine, ReadsNumbersAndTruth) {
  EXPECT_EQ(root_of("N").kind, Kind::None);
  EXPECT_EQ(root_of("\x88").number, 1);
  EXPECT_EQ(root_of("\x89").kind, Kind::Bool);
  EXPECT_EQ(root_of("K\xff").number, 255);
  EXPECT_EQ(root_of("M\x01\x02").number, 513);
  EXPECT_EQ(root_of("J\xfe\xff\xff\xff").number, -2);
  EXPECT_EQ(root_of("\x8a\x00"s).number, 0);
  EXPECT_EQ(root_of("\x8a\x01\xff").number, -1);
  EXPECT_EQ(root_of("\x8a\x03\xff\xff\x00"s).number, 65535);
  EXPECT_EQ(root_of("\x8b\x02\x00\x00\x00\x00\x80"s).number, -32768);
  EXPECT_EQ(root_of("\x8a\x09\x01\x00\x00\x00\x00\x00\x00\x00\x01"s).text,
            "\x01\0\0\0\0\0\0\0\x01"s);  // beyond 64 bits
  EXPECT_EQ(root_of("G\xbf\xf8\x00\x00\x00\x00\x00\x00"s).real, -1.5);
}

TEST(PickleMachine, ReadsTextsAndBytes) {
  for (const auto& body : {"X\x02\x00\x00\x00hi"s, "\x8c\x02hi"s, "\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi"s}) {
    EXPECT_EQ(root_of(body).kind, Kind::Text);
    EXPECT_EQ(root_of(body).text, "hi");
  }
  for (const auto& body : {"B\x02\x00\x00\x00hi"s, "C\x02hi"s, "\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi"s}) {
    EXPECT_EQ(root_of(body).kind, Kind::Bytes);
    EXPECT_EQ(root_of(body).text, "hi");
  }
}

TEST(PickleMachine, ReadsContainersOfEveryMake) {
  EXPECT_EQ(root_of(")").kind, Kind::Tuple);
  EXPECT_EQ(root_of("K\x01\x85").items.size(), 1U);
  EXPECT_EQ(root_of("K\x01K\x02\x86").items.size(), 2U);
  EXPECT_EQ(root_of("K\x01K\x02K\x03\x87").items.size(), 3U);
  EXPECT_EQ(root_of("(K\x01K\x02K\x03K\x04t").items.size(), 4U);
  EXPECT_EQ(root_of("(K\x01l").kind, Kind::List);
  EXPECT_EQ(root_of("]K\x01"
                    "a(K\x02K\x03"
                    "e")
                .items.size(),
            3U);
  EXPECT_EQ(root_of("(K\x01K\x02"
                    "d")
                .items.size(),
            2U);
  EXPECT_EQ(root_of("}K\x01K\x02s(K\x03K\x04K\x05K\x06u").items.size(), 6U);
}

TEST(PickleMachine, RemembersValues) {
  const Pickle pickle = machine(
      "]q\x05h\x05"
      "a");  // a list that holds itself
  EXPECT_EQ(pickle[pickle.root].items, (std::vector<PickleId>{pickle.root}));
  EXPECT_EQ(root_of("K\x07r\x00\x01\x00\x00"
                    "j\x00\x01\x00\x00\x86"s)
                .items.size(),
            2U);
  EXPECT_EQ(root_of("(K\x07\x94K\x08\x94h\x00h\x01t"s).items.size(), 4U);
}

TEST(PickleMachine, CallsAreTold) {
  const Pickle pickle = machine("ccollections\nOrderedDict\n)RX\x01\x00\x00\x00kK\x01s}b"s);
  const PickleNode& root = pickle[pickle.root];
  EXPECT_EQ(root.kind, Kind::Call);
  EXPECT_EQ(root.text, "collections.OrderedDict");
  EXPECT_EQ(pickle[root.items.at(0)].text, "k");
  EXPECT_EQ(pickle[root.argument].kind, Kind::Tuple);
  EXPECT_EQ(pickle[root.state].kind, Kind::Dict);
  EXPECT_EQ(root_of("\x8c\x05torch\x8c\x0c"
                    "FloatStorage\x93")
                .text,
            "torch.FloatStorage");
  EXPECT_EQ(root_of("K\x01Q").kind, Kind::Persistent);
}

TEST(PickleMachine, FramesAreAllowed) { EXPECT_EQ(root_of("\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01"s).number, 1); }

TEST(PickleMachine, RefusesOtherGlobalsByName) {
  const std::string message = refused_pickle("cos\nsystem\nX\x04\x00\x00\x00true\x85R"s);
  EXPECT_THAT(message, HasSubstr("file: names the global 'os.system' at byte"));
  EXPECT_THAT(message, HasSubstr("not among those that weights need; nothing of the file was run"));
  EXPECT_THAT(refused_pickle("cposix\nsystem\n"), HasSubstr("'posix.system'"));
  EXPECT_THAT(refused_pickle("\x8c\x08"
                             "builtins\x8c\x04"
                             "eval\x93"),
              HasSubstr("'builtins.eval'"));
  EXPECT_THAT(refused_pickle("(ios\nsystem\n"), HasSubstr("'os.system'"));
  // protocol 0 has no first word
  EXPECT_THAT(message_of<PickleRefused>([] { read_pickle("cos\nsystem\n(S'true'\ntR.", "f", kFew); }),
              HasSubstr("'os.system'"));
  EXPECT_THAT(refused_pickle("cos\x1b[31m\nsystem\n"), HasSubstr("'os?[31m.system'"));  // no colours from strangers
}

TEST(PickleMachine, RefusesOperationsThatDataDoNotNeed) {
  for (const char operation : {'0', '1', '2', 'F', 'I',    'L',    'P',    'S',    'T',    'U',
                               'V', 'g', 'p', 'o', '\x81', '\x82', '\x8f', '\x92', '\x96', '\x00'}) {
    EXPECT_THAT(refused_pickle(std::string(1, operation)), HasSubstr("uses the pickle operation")) << int{operation};
  }
  EXPECT_THAT(message_of<DataError>([] { read_pickle("\x80\x06N.", "f", kFew); }),
              HasSubstr("protocol 6; lamina reads 2 to 5"));
}

TEST(PickleMachine, BelievesNoLength) {
  for (const auto& body : {"X\xff\xff\xff\xffhi"s, "\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi"s, "B\xff\xff\xff\x7f"s,
                           "\x8b\xff\xff\xff\xff"s, "\x8c\xffhi"s, "C\xff"s})
    EXPECT_THAT(refused_pickle(body), AllOf(HasSubstr("is damaged"), HasSubstr("it promises"))) << body;
  EXPECT_THAT(refused_pickle("\x95\xff\xff\xff\xff\xff\xff\xff\xff"), HasSubstr("a frame reaches beyond its end"));
  EXPECT_THAT(refused_pickle("Nr\xff\xff\xff\xff"), HasSubstr("numbers a value 4294967295"));
}

TEST(PickleMachine, RefusesDamage) {
  for (const auto& body : {"",
                           "(",
                           "a",
                           "Na",
                           "NNNs",
                           "NNNe",
                           "}Ns",
                           "}(Nu",
                           "(Nd",
                           "t",
                           "\x87",
                           "b",
                           "Nb",
                           "R",
                           "N)R",
                           "NNR",
                           "h\x01",
                           "j\x01\x02\x03\x04",
                           "q\x01",
                           "\x94",
                           "Q",
                           "\x93",
                           "NN\x93",
                           "NN",
                           "]Nq\x01"
                           "e",
                           "c",
                           "cos",
                           "(]a"})
    EXPECT_THAT(refused_pickle(body), HasSubstr("file: ")) << body;
  EXPECT_THAT(message_of<DataError>([] { read_pickle("", "f", kFew); }), HasSubstr("is damaged"));
  EXPECT_THAT(message_of<DataError>([] { read_pickle("\x80\x02N.N", "f", kFew); }),
              HasSubstr("has 1 bytes after its end"));
}

TEST(PickleMachine, DepthAndNumberOfValuesAreBounded) {
  EXPECT_THAT(refused_pickle(std::string(2000, '(')), HasSubstr("nested more than 1000 levels deep"));
  EXPECT_THAT(refused_pickle(std::string(2'000'000, 'N')), HasSubstr("more than 1048576 values"));
  // A tower of tuples is only numbers that name each other: read and forgotten without recursion.
  EXPECT_EQ(root_of("N" + std::string(1'000'000, '\x85')).kind, Kind::Tuple);
}

// A tuple of 100,000 values, given 100,000 times as arguments: copies would need 40 GB.
TEST(PickleMachine, ArgumentsAreNotCopied) {
  std::string body = "(" + std::string(100'000, ')') + "tq\x01";
  body = "(" + body;
  for (int i = 0; i < 100'000; ++i) body += "ccollections\nOrderedDict\nh\x01R";
  EXPECT_EQ(root_of(body + "t").items.size(), 100'001U);
}

TEST(Printable, NamesAreFitForATerminal) {
  EXPECT_EQ(printable("image_encoder.neck.0"), "image_encoder.neck.0");
  EXPECT_EQ(printable("Größe 大 🙂"), "Größe 大 🙂");
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a?[2J??");
  EXPECT_EQ(printable("\xc3(\x80\xff\xed\xa0\x80\xc0\xaf\xf8\x90\x80\x80"), "?(???????????");
  EXPECT_EQ(printable("\xc2\x85"), "??");  // a control character too
  EXPECT_EQ(printable(std::string(300, 'a'), 5), "aaaaa...");
  EXPECT_TRUE(is_printable("weight", 6));
  EXPECT_FALSE(is_printable("weight", 5));
}

}  // namespace
}  // namespace lamina::engine::testing
