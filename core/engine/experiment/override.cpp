// Parsing and applying of overrides.
#include "engine/experiment/override.hpp"

#include "engine/experiment/merge.hpp"
#include "engine/experiment/path.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {

namespace {

/// A text as a value: what is no JSON is taken as it stands.
ConfigNode text_value(const std::string& words) {
  ConfigNode holder = ConfigNode::object();
  holder.set("value", words);
  return holder.at("value");
}

std::string headline(const Override& one) { return one.origin.empty() ? one.path : one.origin; }

[[noreturn]] void refuse(const Override& one, const std::string& why) { throw ConfigError(headline(one) + ": " + why); }

std::vector<std::string> names_of(const std::vector<OptionDoc>& docs) {
  std::vector<std::string> names;
  for (const OptionDoc& doc : docs) names.push_back(doc.name);
  return names;
}

/// The sections' own words are known without any plugin; what lies inside a component is checked by the registry later.
void require_vocabulary(const std::vector<PathStep>& steps, const Override& one) {
  static const std::vector<OptionDoc> vocabulary = describe_options<ExperimentOptions>();
  const std::vector<OptionDoc>* docs = &vocabulary;
  for (size_t i = 0; i < steps.size(); ++i) {
    const std::vector<PathStep> parent(steps.begin(), steps.begin() + static_cast<int64_t>(i));
    const std::string where = i == 0 ? "an experiment" : "'" + format_path(parent) + "'";
    const auto found = std::find_if(docs->begin(), docs->end(),
                                    [&](const OptionDoc& doc) { return doc.name == steps[i].key && !steps[i].entry; });
    if (found == docs->end()) {
      const std::vector<std::string> names = names_of(*docs);
      refuse(one, text("there is no '", steps[i].key, "' in ", where, did_you_mean(steps[i].key, names),
                       "; known: ", join(names)));
    }
    if (found->type != OptionType::Group) return;
    docs = &found->members;
  }
}

std::vector<std::string> entry_names(const Traced& list) {
  std::vector<std::string> names;
  for (const Traced& item : list.items) names.push_back(item.entry_name());
  return names;
}

/// Index of the list entry that `key` names by id (or type, or its own text) or number.
size_t find_entry(const Traced& list, const std::string& key, const std::string& where, const Override& one) {
  const std::vector<std::string> names = entry_names(list);
  if (std::count(names.begin(), names.end(), key) > 1) {
    refuse(one, text(where, " has several entries '", key, "'; give them ids, or use an index"));
  }
  if (const auto index = entry_index(list, key)) return *index;
  const std::string known = list.items.empty()
                                ? "; the list is empty"
                                : text("; there are: ", join(names), " (0 to ", list.items.size() - 1, ")");
  refuse(one, text(where, " has no entry '", key, "'", did_you_mean(key, names), known));
}

/// The value one step further; null when it does not exist.
Traced* child(Traced& parent, const PathStep& step, const std::string& where, const Override& one) {
  if (step.entry) {
    if (!parent.is_list())
      refuse(one,
             text("'", where, "' is no list here, so it has no entry '", step.key, "'; set the whole list instead"));
    return &parent.items[find_entry(parent, step.key, where, one)];
  }
  parent.expand_short_form();
  if (parent.is_list())
    refuse(one, text("'", where, "' is a list; name an entry: ", where, "[",
                     parent.items.empty() ? "0" : entry_names(parent).front(), "].", step.key));
  const auto found = parent.members.find(step.key);
  return found == parent.members.end() ? nullptr : &found->second;
}

/// Goes to the parent of the last step; with `create`, makes the objects that are missing.
Traced* find_parent(Traced& root, const std::vector<PathStep>& steps, const Override& one, bool create) {
  Traced* at = &root;
  for (size_t i = 0; i + 1 < steps.size(); ++i) {
    const std::vector<PathStep> before(steps.begin(), steps.begin() + static_cast<int64_t>(i));
    Traced* next = child(*at, steps[i], format_path(before), one);
    if (next == nullptr) {
      if (!create) return nullptr;
      next = &at->members[steps[i].key];
      if (!steps[i + 1].entry) *next = Traced::from(ConfigNode::object(), headline(one));
    }
    at = next;
  }
  return at;
}

void erase_at(Traced& root, const std::vector<PathStep>& steps, const Override& one) {
  Traced* parent = find_parent(root, steps, one, false);
  const PathStep& last = steps.back();
  const std::string where = format_path({steps.begin(), steps.end() - 1});
  if (parent == nullptr || child(*parent, last, where, one) == nullptr) {
    std::vector<std::string> known;
    if (parent != nullptr) {
      for (const auto& [key, member] : parent->members) known.push_back(key);
    }
    refuse(one, text("there is no '", one.path, "' to delete: it is not set", did_you_mean(last.key, known), "; set",
                     where.empty() ? "" : " in '" + where + "'", ": ", known.empty() ? "nothing" : join(known)));
  }
  if (last.entry) {
    parent->items.erase(parent->items.begin() + static_cast<int64_t>(find_entry(*parent, last.key, where, one)));
  } else {
    parent->members.erase(last.key);
  }
}

/// Another component of the same slot: the old one's options would be unknown to it. What belongs to the entry stays.
void drop_old_options(Traced& component, const Override& one) {
  const std::string before = component.text_at("type");
  if (before.empty() || !one.value.is_string() || one.value.as_text() == before) return;
  std::vector<std::string> dropped;
  for (auto member = component.members.begin(); member != component.members.end();) {
    const bool entry_key = std::find(kEntryKeys.begin(), kEntryKeys.end(), member->first) != kEntryKeys.end();
    if (!entry_key) dropped.push_back(member->first);
    member = entry_key ? std::next(member) : component.members.erase(member);
  }
  if (dropped.empty()) return;
  log_info(text(headline(one), ": '", before, "' became '", one.value.as_text(), "'; options of '", before,
                "' are dropped: ", join(dropped)));
}

}  // namespace

Override parse_override(const std::string& words) {
  Override made;
  made.origin = "--set " + words;
  if (!words.empty() && words.front() == '~') {
    if (words.find('=') != std::string::npos)
      throw ConfigError(text(made.origin, ": '~path' deletes and takes no value"));
    made.path = words.substr(1);
    made.erase = true;
  } else {
    const size_t equals = words.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError(text(made.origin, ": expected path=value, or ~path to delete"));
    }
    made.path = words.substr(0, equals);
    const std::string value = words.substr(equals + 1);
    try {
      made.value = ConfigNode::parse(value, made.origin);
    } catch (const ConfigError&) {
      const bool meant_json = !value.empty() && std::string("[{\"").find(value.front()) != std::string::npos;
      if (meant_json) throw;
      made.value = text_value(value);
    }
  }
  parse_path(made.path);
  return made;
}

void apply_traced(Traced& root, const Override& one) {
  const std::vector<PathStep> steps = parse_path(one.path);
  require_vocabulary(steps, one);
  if (one.erase) return erase_at(root, steps, one);
  Traced* parent = find_parent(root, steps, one, true);
  const PathStep& last = steps.back();
  Traced value = Traced::from(one.value, headline(one));
  const std::string where = format_path({steps.begin(), steps.end() - 1});
  Traced* old = child(*parent, last, where, one);
  if (!last.entry && last.key == "type") drop_old_options(*parent, one);
  if (edits_list(value)) value = merge(old ? *old : Traced{}, value, one.path);
  if (last.entry) {
    *old = std::move(value);
  } else {
    parent->members[last.key] = std::move(value);
  }
}

void apply_override(ConfigNode& root, const Override& one) {
  Traced traced = Traced::from(root, "");
  apply_traced(traced, one);
  root = traced.node();
}

}  // namespace lamina::engine
