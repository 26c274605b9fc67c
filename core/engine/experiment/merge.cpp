// Merging of experiments along their `base` chain.
#include "engine/experiment/merge.hpp"

#include "engine/experiment/experiment.hpp"
#include "engine/experiment/path.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

constexpr size_t kDeepest = 16;
const std::vector<std::string> kListEdits{"$append", "$prepend", "$remove"};

void require_list_edit(const Traced& edit, const std::string& where) {
  for (const auto& [key, member] : edit.members) {
    if (std::find(kListEdits.begin(), kListEdits.end(), key) == kListEdits.end()) {
      throw ConfigError(text(edit.origin, ": ", join_path(where, key), ": expected only ", join(kListEdits), " here",
                             did_you_mean(key, kListEdits)));
    }
    if (!member.is_list()) throw ConfigError(text(edit.origin, ": ", join_path(where, key), ": expected a list"));
  }
}

void remove_entries(std::vector<Traced>& items, const Traced& names, const std::string& where) {
  for (const Traced& name : names.items) {
    std::vector<std::string> known;
    for (const Traced& item : items) known.push_back(item.entry_name());
    const std::string wanted = name.is_text() ? name.leaf.as_text() : name.node().dump();
    const auto found = std::find(known.begin(), known.end(), wanted);
    if (found == known.end()) {
      throw ConfigError(text(name.origin, ": ", where, ".$remove: there is no entry '", wanted,
                             "' in the inherited list", did_you_mean(wanted, known),
                             known.empty() ? "; it is empty" : "; there are: " + join(known)));
    }
    items.erase(items.begin() + (found - known.begin()));
  }
}

Traced edited_list(const Traced& under, const Traced& edit, const std::string& where) {
  require_list_edit(edit, where);
  Traced list = under;
  list.form = Traced::Form::List;
  list.leaf = ConfigNode();
  list.members.clear();
  if (!under.is_list()) list.items.clear();
  list.origin = edit.origin;
  if (edit.has("$remove")) remove_entries(list.items, edit.members.at("$remove"), where);
  const auto insert = [&](const char* key, auto position) {
    if (!edit.has(key)) return;
    const std::vector<Traced>& added = edit.members.at(key).items;
    list.items.insert(position, added.begin(), added.end());
  };
  insert("$prepend", list.items.begin());
  insert("$append", list.items.end());
  return list;
}

/// What a study sets in experiments is no configuration of its own: edits of lists wait for the list they are meant
/// for.
bool is_for_later(const std::string& where) { return where.starts_with("axes.") || where.starts_with("set."); }

bool other_type(const Traced& under, const Traced& over) {
  return over.has("type") && under.has("type") && under.text_at("type") != over.text_at("type");
}

std::vector<std::string> base_names(const Traced& node) {
  if (!node.has("base")) return {};
  const Traced& base = node.members.at("base");
  std::vector<std::string> names;
  const auto add = [&](const Traced& one) {
    if (!one.is_text()) throw ConfigError(text(node.origin, ": base: expected a file name or a list of file names"));
    names.push_back(one.leaf.as_text());
  };
  if (base.is_list()) {
    for (const Traced& one : base.items) add(one);
  } else {
    add(base);
  }
  return names;
}

fs::path base_file(const std::string& name, const fs::path& folder) {
  const fs::path beside = folder / name;
  return fs::is_regular_file(beside) ? beside : find_experiment(name);
}

Traced read_chain(const fs::path& file, std::vector<fs::path> chain);

Traced merge_chain(const Traced& node, const fs::path& folder, const std::vector<fs::path>& chain) {
  Traced merged = Traced::from(ConfigNode::object(), node.origin);
  for (const std::string& name : base_names(node)) merged = merge(merged, read_chain(base_file(name, folder), chain));
  merged = merge(merged, node);
  merged.members.erase("base");
  return merged;
}

Traced read_chain(const fs::path& file, std::vector<fs::path> chain) {
  const fs::path known = fs::weakly_canonical(file);
  const bool cycle = std::find(chain.begin(), chain.end(), known) != chain.end();
  chain.push_back(known);
  if (cycle || chain.size() > kDeepest) {
    std::vector<std::string> names;
    for (const fs::path& one : chain) names.push_back(one.filename().string());
    throw ConfigError(text("the `base` entries ",
                           cycle ? "form a cycle: " : text("are nested deeper than ", kDeepest, " files: "),
                           join(names, " -> ")));
  }
  const ConfigNode node = ConfigNode::parse(read_file(file), file.string());
  if (!node.is_object()) throw ConfigError(text(file.string(), ": expected an object {...}, got ", node.type_name()));
  return merge_chain(Traced::from(node, file.string()), file.parent_path(), chain);
}

}  // namespace

bool edits_list(const Traced& node) {
  return node.is_object() && std::any_of(node.members.begin(), node.members.end(),
                                         [](const auto& member) { return member.first.rfind('$', 0) == 0; });
}

Traced merge(const Traced& under, const Traced& over, const std::string& where) {
  if (edits_list(over)) return is_for_later(where) ? over : edited_list(under, over, where);
  if (!over.is_object()) return over;
  Traced merged = over;
  merged.members.clear();
  const bool inherit = under.is_object() && !other_type(under, over);
  if (inherit) merged.members = under.members;
  for (const auto& [key, member] : over.members) {
    const auto found = merged.members.find(key);
    const Traced nothing;
    merged.members[key] = merge(found == merged.members.end() ? nothing : found->second, member, join_path(where, key));
  }
  return merged;
}

Traced merge_bases(const Traced& node, const fs::path& folder) { return merge_chain(node, folder, {}); }

Traced read_traced(const fs::path& file) { return read_chain(file, {}); }

ConfigNode read_merged(const fs::path& file, std::map<std::string, std::string>& provenance) {
  const Traced merged = read_traced(file);
  provenance = provenance_of(merged);
  return merged.node();
}

}  // namespace lamina::engine
