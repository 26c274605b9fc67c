// Registry and registrar: creating by name, promises, conflicts, refusals.
#include <lamina/plugin/registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamina {
namespace {

using testing::HasSubstr;

/// A kind made for these tests: whoever it is, it says a number.
class Voice {
 public:
  static constexpr const char* kKind = "voice";
  using Interface = Voice;
  struct Context {
    int64_t factor = 1;
  };
  virtual ~Voice() = default;
  virtual int64_t say() const = 0;
};

struct LoudOptions {
  int64_t volume = 3;
  void bind(OptionBinder& o) { o.field("volume", volume, "How loud", Range{0, 10}); }
};

class Loud : public Voice {
 public:
  using Options = LoudOptions;
  Loud(const Options& options, const Context& context) : volume_(options.volume * context.factor) {
    if (options.volume == 9) throw std::runtime_error("too loud\nException raised from somewhere");
    if (options.volume == 8) throw DataError("no air");
    if (options.volume == 7) throw 7;
  }
  int64_t say() const override { return volume_; }

 private:
  int64_t volume_;
};

std::vector<ComponentEntry> loud_as(const std::string& name, const std::string& file = "a.so") {
  Registrar registrar("loud", file);
  registrar.add<Loud>("voice", name, "1", "Says a number");
  return registrar.take();
}

ComponentInfo info(const std::string& name, const std::string& file) { return {"voice", name, "1", "", "loud", file}; }

template <class Action>
std::string message_of(const Action& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class WithLoud : public testing::Test {
 protected:
  void SetUp() override { registry_.add(loud_as("loud")); }
  std::string creating(const std::string& json) const {
    return message_of([&] { registry_.create<Voice>(ConfigNode::parse(json), "model.voice", {}); });
  }
  Registry registry_;
};

TEST_F(WithLoud, CreatesByNameOrByEntryWithOptionsAndContext) {
  EXPECT_EQ(registry_.create<Voice>(ConfigNode::parse(R"("loud")"), "v", {2})->say(), 6);
  EXPECT_EQ(registry_.create<Voice>(ConfigNode::parse(R"({"type": "loud", "id": "x", "volume": 5})"), "v", {1})->say(),
            5);
}

TEST_F(WithLoud, UnknownNamesAreAnsweredWithTheNearestAndAll) {
  EXPECT_EQ(creating(R"("lowd")"), "model.voice: unknown voice 'lowd' (did you mean 'loud'?); known: loud");
  EXPECT_THAT(message_of([&] { registry_.find("choir", "loud", ""); }),
              HasSubstr("no plugin offers any choir; there is a voice of that name"));
}

TEST_F(WithLoud, EntriesOfTheWrongFormAreConfigErrors) {
  EXPECT_THAT(creating("3"), HasSubstr("model.voice: expected a voice: its name or"));
  EXPECT_THAT(creating("{}"), HasSubstr("the key 'type' is missing"));
  EXPECT_THAT(creating(R"({"type": "loud", "volum": 1})"),
              HasSubstr("model.voice.volum: unknown key (did you mean 'volume'?)"));
}

TEST_F(WithLoud, ForeignExceptionsAreWrappedWithTheComponentsName) {
  EXPECT_EQ(creating(R"({"type": "loud", "volume": 9})"),
            "model.voice: the voice 'loud' (a.so) could not be made: too loud");
  EXPECT_EQ(creating(R"({"type": "loud", "volume": 8})"), "no air");
  EXPECT_THAT(creating(R"({"type": "loud", "volume": 7})"), HasSubstr("threw something that is no exception"));
}

TEST_F(WithLoud, ResolveFillsInDefaultsAndKeepsTheEntrysOwnKeys) {
  EXPECT_EQ(registry_.resolve("voice", ConfigNode::parse(R"({"type": "loud", "id": "x"})")).dump(),
            R"({"id":"x","type":"loud","volume":3})");
  EXPECT_EQ(registry_.resolve("voice", ConfigNode::parse(R"("loud")")).dump(), R"({"type":"loud","volume":3})");
}

TEST_F(WithLoud, ANameThatIsTakenRefusesAllOfThePlugin) {
  Registrar second("second", "b.so");
  second.add<Loud>("voice", "soft", "1", "");
  second.add<Loud>("voice", "loud", "1", "");
  const std::string words = message_of([&] { registry_.add(second.take()); });
  EXPECT_EQ(words,
            "the voice 'loud' is offered by a.so and by b.so; remove one of the two files or rename the component");
  EXPECT_FALSE(registry_.knows("voice", "soft"));
}

TEST(Registrar, RefusesAComponentOfAnotherKindAndOneRegisteredTwice) {
  Registrar registrar("p", "p.so");
  EXPECT_THAT(message_of([&] { registrar.add<Loud>("loss", "loud", "1", ""); }),
              HasSubstr("'loud' is listed as loss but is a voice"));
  registrar.add<Loud>("voice", "loud", "1", "");
  EXPECT_THAT(message_of([&] { registrar.add<Loud>("voice", "loud", "1", ""); }), HasSubstr("registered twice"));
}

TEST(Registry, OpensAPromisedPluginOnlyWhenAsked) {
  Registry registry;
  int opened = 0;
  registry.promise({info("loud", "a.so")}, [&](const std::string& file) {
    ++opened;
    registry.add(loud_as("loud", file));
  });
  EXPECT_TRUE(registry.knows("voice", "loud"));
  EXPECT_EQ(registry.list("voice").size(), 1u);
  EXPECT_EQ(opened, 0);
  registry.create<Voice>(ConfigNode::parse(R"("loud")"), "v", {});
  registry.create<Voice>(ConfigNode::parse(R"("loud")"), "v", {});
  EXPECT_EQ(opened, 1);
}

TEST(Registry, APromiseThatIsNotKeptIsAPluginError) {
  Registry registry;
  registry.promise({info("loud", "a.so")}, [](const std::string&) {});
  EXPECT_THAT(message_of([&] { registry.find("voice", "loud", ""); }),
              HasSubstr("a.so: its stamp offers the voice 'loud'"));
}

TEST(Registry, TwoFilesWithOneNameAreAnErrorOnlyWhenItIsAskedFor) {
  Registry registry;
  const auto load = [&](const std::string& file) {
    auto entries = loud_as("loud", file);
    for (auto& entry : loud_as(file == "a.so" ? "first" : "second", file)) entries.push_back(entry);
    registry.add(std::move(entries));
  };
  registry.promise({info("loud", "a.so"), info("first", "a.so")}, load);
  registry.promise({info("loud", "b.so"), info("second", "b.so")}, load);
  EXPECT_NO_THROW(registry.find("voice", "first", ""));
  EXPECT_NO_THROW(registry.find("voice", "second", ""));
  EXPECT_THAT(message_of([&] { registry.find("voice", "loud", ""); }), HasSubstr("is offered by a.so and by b.so"));
}

TEST(Registry, ARefusedPluginIsNamedWhenItsComponentIsAskedFor) {
  Registry registry;
  registry.refuse({info("old", "o.so")}, "o.so: was built with torch 1.0, this lamina with torch 2.0");
  EXPECT_FALSE(registry.knows("voice", "old"));
  EXPECT_THAT(
      message_of([&] { registry.find("voice", "old", "model.voice"); }),
      HasSubstr(
          "model.voice: the voice 'old' comes from a plugin that cannot be used: o.so: was built with torch 1.0"));
}

TEST(Registry, CheckCollectsInsteadOfThrowing) {
  Registry registry;
  registry.add(loud_as("loud"));
  registry.promise({info("broken", "b.so")}, [](const std::string&) { throw PluginError("b.so: cannot be opened"); });
  OptionErrors errors;
  registry.check("voice", ConfigNode::parse(R"({"type": "loud", "volume": 11})"), "v", errors);
  registry.check("voice", ConfigNode::parse(R"("none")"), "w", errors);
  registry.check("voice", ConfigNode::parse(R"("broken")"), "x", errors);
  EXPECT_THAT(errors.problems(),
              testing::ElementsAre("v.volume: expected an integer from 0 to 10, got 11",
                                   "w: unknown voice 'none'; known: broken, loud", "x: b.so: cannot be opened"));
}

}  // namespace
}  // namespace lamina
