// The binder that reads options from a node and collects every mistake.
#include <lamina/base/text.hpp>
#include <lamina/options/binder.hpp>

#include <algorithm>
#include <set>

#include "options/component_entry.hpp"
#include "options/slots.hpp"

namespace lamina {
namespace {

class Parser : public OptionBinder {
 public:
  Parser(const ConfigNode& node, const std::string& where, const ComponentChecker* checker,
         const std::vector<std::string>& foreign_keys, OptionErrors& errors)
      : checker_(checker), errors_(errors) {
    open(node, where);
    levels_.back().known = foreign_keys;
    levels_.back().foreign = foreign_keys.size();
  }

  void finish() { close(); }

 protected:
  void visit(OptionDoc& doc, OptionSlot slot) override {
    describe_slot(doc, slot);
    Level& level = levels_.back();
    level.known.push_back(doc.name);
    const std::string path = inside(doc.name);
    if (!level.node.contains(doc.name)) {
      // A value that is no object is reported once, not once per option.
      if (doc.required && level.node.is_object()) errors_.add(path, text("is missing; expected ", expectation(doc)));
      return;
    }
    const ConfigNode node = level.node.at(doc.name);
    if (doc.type == OptionType::Component) return read_component(doc, slot, node, path);
    if (doc.type == OptionType::ComponentList) return read_components(doc, slot, node, path);
    read_slot(doc, slot, node, path, errors_);
  }

  bool enter(const std::string& group, const std::string&) override {
    Level& level = levels_.back();
    level.known.push_back(group);
    // A group that is not given still is bound: its own options may be required.
    open(level.node.contains(group) ? level.node.at(group) : ConfigNode::object(), inside(group));
    return true;
  }

  void leave() override { close(); }

 private:
  struct Level {
    ConfigNode node;
    std::string where;
    std::vector<std::string> known;
    size_t foreign = 0;  // so many of the known keys are somebody else's
  };

  std::string inside(const std::string& name) const {
    const std::string& where = levels_.back().where;
    return where.empty() ? name : where + "." + name;
  }

  void open(const ConfigNode& node, const std::string& where) {
    const bool usable = node.is_object() || node.is_null();
    if (!usable) errors_.add(where, text("expected an object, got ", node.type_name(), " ", node.dump()));
    levels_.push_back({node.is_null() ? ConfigNode::object() : node, where, {}, 0});
  }

  void close() {
    const Level& level = levels_.back();
    for (const auto& key : level.node.keys()) {
      if (std::find(level.known.begin(), level.known.end(), key) != level.known.end()) continue;
      std::vector<std::string> own(level.known.begin() + static_cast<std::ptrdiff_t>(level.foreign), level.known.end());
      const std::string hint = did_you_mean(key, own);
      errors_.add(inside(key),
                  text("unknown key", hint, own.empty() ? "; there are no options here" : "; known: " + join(own)));
    }
    levels_.pop_back();
  }

  bool check_entry(const OptionDoc& doc, const ConfigNode& entry, const std::string& path) {
    const std::string problem = entry_problem(entry, doc.component_kind);
    if (!problem.empty()) {
      errors_.add(path, problem);
      return false;
    }
    if (checker_) checker_->check(doc.component_kind, entry_object(entry), path, errors_);
    return true;
  }

  void read_component(const OptionDoc& doc, const OptionSlot& slot, const ConfigNode& node, const std::string& path) {
    if (!node.is_null() && !check_entry(doc, node, path)) return;
    *std::get<ConfigNode*>(slot) = entry_object(node);
  }

  void read_components(const OptionDoc& doc, const OptionSlot& slot, const ConfigNode& node, const std::string& path) {
    if (!node.is_array()) {
      errors_.add(path, text("expected ", expectation(doc), ", got ", node.type_name(), " ", node.dump()));
      return;
    }
    std::vector<ConfigNode> entries;
    std::set<std::string> ids;
    for (size_t i = 0; i < node.size(); ++i) {
      const ConfigNode entry = entry_object(node.at(i));
      const std::string id = entry.text_or("id", "");
      if (!id.empty() && !ids.insert(id).second) errors_.add(path, text("two entries have the id '", id, "'"));
      check_entry(doc, node.at(i), entry_path(path, entry, i));
      entries.push_back(entry);
    }
    *std::get<std::vector<ConfigNode>*>(slot) = std::move(entries);
  }

  const ComponentChecker* checker_;
  OptionErrors& errors_;
  std::vector<Level> levels_;
};

}  // namespace

namespace detail {

std::unique_ptr<OptionBinder> make_parser(const ConfigNode& node, const std::string& where,
                                          const ComponentChecker* checker, const std::vector<std::string>& foreign_keys,
                                          OptionErrors& errors) {
  return std::make_unique<Parser>(node, where, checker, foreign_keys, errors);
}

void finish_parser(OptionBinder& parser) { static_cast<Parser&>(parser).finish(); }

}  // namespace detail
}  // namespace lamina
