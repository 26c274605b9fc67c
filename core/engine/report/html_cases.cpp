// The page's cases and classes: figures, tables, pictures, curves.
#include "engine/report/class_scores.hpp"
#include "engine/report/host_paths.hpp"
#include "engine/report/html_sections.hpp"
#include "engine/report/plots.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {
namespace {

using kainjow::mustache::data;

/// "case_3 -0.0412", "case_7 -0.0301": the largest first; "none" alone.
data named_changes(std::vector<CaseChange> changes, bool gained, const MetricInfo& metric) {
  constexpr size_t kShown = 3;
  if (gained) std::reverse(changes.begin(), changes.end());
  std::vector<std::string> words;
  for (const auto& change : changes) {
    if (words.size() == kShown || (gained ? change.gain <= 0 : change.gain >= 0)) break;
    words.push_back(text(change.id, " ", metric_text(change.after - change.before, metric, true)));
  }
  return list_of(words.empty() ? std::vector<std::string>{"none"} : words);
}

/// Fields "name", "key" and "plot" of every arm that has a figure.
template <class Draw>
data panels_of(const StudySummary& summary, const Draw& draw) {
  data panels(data::type::list);
  for (size_t i = 0; i < summary.arms.size(); ++i) {
    const std::string plot = draw(summary, i);
    if (plot.empty()) continue;
    data panel = named(*summary.arms[i].arm, i);
    panel.set("plot", plot);
    panels.push_back(panel);
  }
  return panels;
}

data class_row(const StudySummary& summary, size_t arm) {
  const auto& classes = summary.arms[arm].metrics.at(summary.primary().name).classes;
  std::vector<std::string> values;
  for (const auto& [id, name] : summary.classes) {
    const auto found = classes.find(id);
    values.push_back(found == classes.end() ? "-" : metric_text(found->second, summary.primary()));
  }
  data row = named(*summary.arms[arm].arm, arm);
  row.set("values", list_of(values));
  return row;
}

/// A row an arm of "missed / invented" per class; empty where no arm has any.
data missed_rows(const StudySummary& summary) {
  data rows(data::type::list);
  bool any = false;
  for (size_t i = 0; i < summary.arms.size(); ++i) {
    if (summary.arms[i].metrics.empty()) continue;
    std::vector<std::string> values;
    for (const auto& [id, name] : summary.classes) {
      const ClassSummary& one = summary.arms[i].classes.at(id);
      any |= one.missed + one.hallucinated > 0;
      values.push_back(text(one.missed, " / ", one.hallucinated));
    }
    data row = named(*summary.arms[i].arm, i);
    row.set("values", list_of(values));
    rows.push_back(row);
  }
  return any ? rows : data(data::type::list);
}

data picture_fields(const Overlay& overlay, const MetricInfo& metric, const std::string& alt) {
  data fields;
  fields.set("role", overlay.role);
  fields.set("case", overlay.case_id);
  fields.set("value", text(metric.name, " ", metric_text(overlay.value, metric)));
  fields.set("slice", std::to_string(overlay.slice + 1));
  fields.set("slices", std::to_string(overlay.slices));
  set_optional(fields, "image", overlay.image);
  set_optional(fields, "problem", without_folders(overlay.problem));
  fields.set("alt",
             text("Slice of case ", overlay.case_id, ", ", alt, ", with the contours of reference and prediction"));
  return fields;
}

data extremes_of_arm(const std::vector<Overlay>& overlays, const ArmData& arm, const MetricInfo& metric) {
  data cases(data::type::list);
  for (const auto& overlay : overlays) {
    cases.push_back(picture_fields(overlay, metric, text("the ", overlay.role, " of arm ", arm.name)));
  }
  return cases;
}

data pairs_of_arm(const std::vector<OverlayPair>& pairs, const MetricInfo& metric) {
  data fields(data::type::list);
  for (const auto& pair : pairs) {
    data both(data::type::list), one;
    for (const Overlay& overlay : {pair.before, pair.after}) {
      both.push_back(picture_fields(overlay, metric, "as arm " + overlay.role + " sees it"));
    }
    one.set("role", pair.role);
    one.set("case", pair.before.case_id);
    one.set("difference", metric_text(pair.after.value - pair.before.value, metric, true));
    one.set("slice", std::to_string(pair.before.slice + 1));
    one.set("slices", std::to_string(pair.before.slices));
    one.set("both", both);
    fields.push_back(one);
  }
  return fields;
}

}  // namespace

void add_cases(PageFields& page, const ReportContents& in) {
  const StudySummary& summary = in.summary;
  set_optional(page, "strip", strip_plot(summary));
  const data scatters = panels_of(summary, paired_scatter);
  page.set("has_changes", flag(!scatters.is_empty_list()));
  page.set("scatters", scatters);
  page.set("slopes", panels_of(summary, slope_chart));
  data rows(data::type::list);
  for (size_t i = 0; i < summary.arms.size(); ++i) {
    const auto changes = case_changes(summary, i);
    if (changes.empty()) continue;
    data row = named(*summary.arms[i].arm, i);
    row.set("gained", named_changes(changes, true, summary.primary()));
    row.set("lost", named_changes(changes, false, summary.primary()));
    rows.push_back(row);
  }
  page.set("change_rows", rows);
}

void add_classes(PageFields& page, const ReportContents& in) {
  const StudySummary& summary = in.summary;
  std::vector<std::string> names;
  data rows(data::type::list), boxes(data::type::list);
  for (const auto& [id, name] : summary.classes) {
    names.push_back(name);
    data box;
    box.set("name", name);
    set_optional(box, "plot", class_box_plot(summary, id));
    boxes.push_back(box);
  }
  for (size_t i = 0; i < summary.arms.size(); ++i) {
    if (!summary.arms[i].metrics.empty()) rows.push_back(class_row(summary, i));
  }
  page.set("has_classes", flag(!names.empty()));
  page.set("several_classes", flag(names.size() > 1));
  page.set("class_names", list_of(names));
  page.set("class_rows", rows);
  page.set("boxes", boxes);
  set_optional(page, "class_map", names.size() > 1 ? class_heat_map(summary) : "");
  const data missed = missed_rows(summary);
  page.set("has_missed", flag(!missed.is_empty_list()));
  page.set("missed_rows", missed);
}

void add_pictures(PageFields& page, const ReportContents& in) {
  data pictures(data::type::list), pairs(data::type::list);
  for (size_t i = 0; i < in.study.arms.size(); ++i) {
    const ArmData& arm = in.study.arms[i];
    const MetricInfo& metric = in.summary.primary();
    if (i < in.overlays.size() && !in.overlays[i].empty()) {
      data picture = named(arm, i);
      picture.set("seed", std::to_string(arm.done().front()->seed));
      picture.set("cases", extremes_of_arm(in.overlays[i], arm, metric));
      pictures.push_back(picture);
    }
    if (i < in.pairs.size() && !in.pairs[i].empty()) {
      data picture = named(arm, i);
      picture.set("seed", std::to_string(in.pairs[i].front().seed));
      picture.set("cases", pairs_of_arm(in.pairs[i], metric));
      pairs.push_back(picture);
    }
  }
  page.set("has_cases", flag(!pictures.is_empty_list()));
  page.set("has_pairs", flag(!pairs.is_empty_list()));
  page.set("pictures", pictures);
  page.set("picture_pairs", pairs);
  set_optional(page, "dataset_problem", without_folders(in.dataset_problem));
}

void add_curves(PageFields& page, const ReportContents& in) {
  static const std::vector<std::pair<std::string, std::string>> kColumns{{"loss", "training loss"},
                                                                         {"val_dice", "validation Dice"},
                                                                         {"lr", "learning rate"},
                                                                         {"seconds", "seconds an epoch"}};
  std::vector<std::string> plots;
  for (const auto& [column, title] : kColumns) {
    const std::string plot = curve_plot(in.study, column, title);
    if (!plot.empty()) plots.push_back(plot);
  }
  data legend(data::type::list);
  for (size_t i = 0; i < in.study.arms.size(); ++i) legend.push_back(named(in.study.arms[i], i));
  page.set("has_curves", flag(!plots.empty()));
  page.set("curves", list_of(plots));
  page.set("legend", legend);
  page.set("dashed", flag(in.study.arms.size() > 8));
}

}  // namespace lamina::engine
