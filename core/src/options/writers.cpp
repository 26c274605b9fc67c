// The binders that describe options and that write them out with every default filled in.
#include <lamina/options/binder.hpp>

#include "options/slots.hpp"

namespace lamina {
namespace {

class Describer : public OptionBinder {
 public:
  explicit Describer(std::vector<OptionDoc>& docs) : levels_{&docs} {}

 protected:
  void visit(OptionDoc& doc, OptionSlot slot) override {
    describe_slot(doc, slot);
    if (!doc.required) doc.default_value = slot_value(slot);
    levels_.back()->push_back(doc);
  }

  bool enter(const std::string& group, const std::string& help) override {
    OptionDoc doc;
    doc.name = group;
    doc.help = help;
    doc.type = OptionType::Group;
    levels_.back()->push_back(doc);
    // Stays valid: the outer list does not grow before leave().
    levels_.push_back(&levels_.back()->back().members);
    return true;
  }

  void leave() override { levels_.pop_back(); }

 private:
  std::vector<std::vector<OptionDoc>*> levels_;
};

class Dumper : public OptionBinder {
 public:
  Dumper(ConfigNode& target, const ComponentChecker* checker) : target_(target), checker_(checker) {
    levels_.push_back({"", ConfigNode::object()});
  }

 protected:
  void visit(OptionDoc& doc, OptionSlot slot) override {
    describe_slot(doc, slot);
    put(doc.name, resolved(doc, slot_value(slot)));
  }

  bool enter(const std::string& group, const std::string&) override {
    levels_.push_back({group, ConfigNode::object()});
    return true;
  }

  void leave() override {
    const Level level = levels_.back();
    levels_.pop_back();
    put(level.name, level.node);
  }

 private:
  struct Level {
    std::string name;
    ConfigNode node;
  };

  void put(const std::string& name, const ConfigNode& value) {
    levels_.back().node.set(name, value);
    if (levels_.size() == 1) target_.set(name, value);
  }

  ConfigNode resolved(const OptionDoc& doc, const ConfigNode& value) const {
    if (!checker_ || value.is_null()) return value;
    if (doc.type == OptionType::Component) return checker_->resolve(doc.component_kind, value);
    if (doc.type != OptionType::ComponentList) return value;
    ConfigNode list = ConfigNode::array();
    for (size_t i = 0; i < value.size(); ++i) list.push_back(checker_->resolve(doc.component_kind, value.at(i)));
    return list;
  }

  ConfigNode& target_;
  const ComponentChecker* checker_;
  std::vector<Level> levels_;
};

}  // namespace

namespace detail {

std::unique_ptr<OptionBinder> make_describer(std::vector<OptionDoc>& docs) { return std::make_unique<Describer>(docs); }

std::unique_ptr<OptionBinder> make_dumper(ConfigNode& target, const ComponentChecker* checker) {
  return std::make_unique<Dumper>(target, checker);
}

}  // namespace detail
}  // namespace lamina
