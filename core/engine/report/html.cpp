// Turns a study's numbers into the page's fields.
#include "engine/report/html.hpp"

#include "engine/report/plots.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <kainjow/mustache.hpp>

namespace lamina::engine {
namespace {

using kainjow::mustache::data;
using kainjow::mustache::object;

constexpr const char* kStyle =
#include "engine/report/style.css.inc"
    ;
constexpr const char* kPage =
#include "engine/report/page.html.inc"
    ;

data list_of(const std::vector<std::string>& items) {
  data list(data::type::list);
  for (const auto& item : items) list.push_back(item);
  return list;
}

/// An empty text would hide nothing: sections of the template ask for true or false.
void set_optional(data& fields, const std::string& name, const std::string& value) {
  if (value.empty()) {
    fields.set(name, data::type::bool_false);
  } else {
    fields.set(name, value);
  }
}

data flag(bool value) { return value ? data::type::bool_true : data::type::bool_false; }

data named(const ArmData& arm, size_t index) {
  data fields;
  fields.set("name", arm.name);
  fields.set("colour", arm_colour(index));
  return fields;
}

std::string label_of(const MetricInfo& metric) {
  return metric.unit.empty() ? metric.name : metric.name + " (" + metric.unit + ")";
}

class Page {
 public:
  explicit Page(const ReportContents& contents) : in_(contents), study_(contents.study), summary_(contents.summary) {}

  std::string render() {
    page_.set("name", study_.name);
    set_optional(page_, "description", study_.description);
    page_.set("style", std::string(kStyle));
    page_.set("version", LAMINA_VERSION);
    page_.set("primary", summary_.primary().name);
    page_.set("compared", flag(summary_.arms.size() > 1));
    page_.set("draws", std::to_string(study_.compare.rules().draws));
    page_.set("confidence", std::to_string(std::lround((1 - study_.compare.alpha) * 100)));
    add_facts();
    add_verdict();
    add_table();
    add_secondary();
    add_ranking();
    add_classes();
    add_curves();
    add_pictures();
    add_changes();
    add_method();
    kainjow::mustache::mustache page{std::string(kPage)};
    const std::string html = page.render(page_);
    if (!page.is_valid()) throw Error("the report's template is damaged: " + page.error_message());
    return html;
  }

 private:
  void add_facts() {
    data facts(data::type::list);
    const auto add = [&](const std::string& label, const std::string& value) {
      data fact;
      fact.set("label", label);
      fact.set("value", value);
      facts.push_back(fact);
    };
    add("dataset",
        in_.dataset.name.empty() ? study_.arms.front().experiment.at("dataset").text_or("type", "") : in_.dataset.name);
    add("test cases", std::to_string(summary_.cases));
    std::vector<std::string> classes;
    for (const auto& [id, name] : summary_.classes) classes.push_back(name);
    if (!classes.empty()) add("classes", join(classes));
    add("baseline", study_.baseline);
    add("arms", std::to_string(study_.arms.size()));
    add("seeds", join(study_.seeds));
    page_.set("facts", facts);
  }

  void add_verdict() {
    const Sentences sentences = sentences_of(summary_, study_.compare);
    page_.set("headline", sentences.headline);
    page_.set("has_sentences", flag(!sentences.arms.empty()));
    page_.set("sentences", list_of(sentences.arms));
    const auto caveats = caveats_of(summary_, study_);
    page_.set("has_caveats", flag(!caveats.empty()));
    page_.set("caveats", list_of(caveats));
    data failures(data::type::list);
    for (const auto& arm : study_.arms) {
      for (const auto& run : arm.runs) {
        if (run.status.state != "failed") continue;
        data failure;
        failure.set("title", text(arm.name, run.fold ? text(", fold ", *run.fold) : "", ", seed ", run.seed));
        failure.set("error", run.status.error);
        failures.push_back(failure);
      }
    }
    page_.set("failures", failures);
  }

  void add_table() {
    data metrics(data::type::list), rows(data::type::list);
    for (const auto& metric : summary_.metrics) {
      data field;
      field.set("label", label_of(metric));
      metrics.push_back(field);
    }
    for (size_t i = 0; i < summary_.arms.size(); ++i) rows.push_back(arm_row(summary_.arms[i], i));
    page_.set("metrics", metrics);
    page_.set("arms", rows);
    const bool compared = summary_.arms.size() > 1 && !summary_.baseline().metrics.empty();
    set_optional(page_, "forest", compared ? forest_plot(summary_, study_.compare) : "");
    set_optional(page_, "strip", strip_plot(summary_));
  }

  data arm_row(const ArmSummary& arm, size_t index) const {
    data row = named(*arm.arm, index);
    const size_t done = arm.arm->done().size();
    row.set("oracle", flag(arm.uses_ground_truth));
    set_optional(row, "note", done == arm.arm->runs.size() ? "" : text(done, " of ", arm.arm->runs.size(), " runs"));
    std::vector<std::string> values;
    for (const auto& metric : summary_.metrics) {
      values.push_back(arm.metrics.empty() ? "-" : plain_number(arm.metrics.at(metric.name).mean, metric));
    }
    row.set("values", list_of(values));
    add_difference(row, arm);
    const auto* primary = arm.metrics.empty() ? nullptr : &arm.metrics.at(summary_.primary().name);
    row.set("sd_cases", primary ? plain_number(primary->sd_cases, summary_.primary()) : "-");
    row.set("sd_seeds",
            primary && primary->seed_means.size() > 1 ? plain_number(primary->sd_seeds, summary_.primary()) : "-");
    row.set("missed", primary ? text(arm.missed, " / ", arm.hallucinated) : "-");
    row.set("trainable", primary ? short_count(arm.trainable) : "-");
    row.set("total", primary ? short_count(arm.total) : "-");
    row.set("training", primary ? human_seconds(arm.train_seconds) : "-");
    row.set("per_case", primary ? text(std::round(arm.seconds_per_case * 100) / 100, " s") : "-");
    row.set("memory", primary ? human_bytes(arm.peak_memory) : "-");
    return row;
  }

  /// Units stand in the column's head.
  static std::string plain_number(double value, const MetricInfo& metric) {
    const std::string words = metric_text(value, metric);
    return words.substr(0, words.find(' '));
  }

  void add_difference(data& row, const ArmSummary& arm) const {
    for (const char* field : {"finding", "interval", "verdict", "counts"}) row.set(field, "");
    set_optional(row, "p", "");
    row.set("difference", &arm == &summary_.arms.front() ? "baseline" : "-");
    const auto& metric = summary_.primary();
    if (arm.metrics.empty() || !arm.metrics.at(metric.name).difference) return;
    const ArmComparison& found = *arm.metrics.at(metric.name).difference;
    const bool judged = found.verdict == Verdict::Better || found.verdict == Verdict::Worse;
    row.set("finding", judged ? verdict_word(found.verdict) : "");
    row.set("verdict", verdict_word(found.verdict));
    row.set("difference", metric_text(found.difference.mean, metric, true));
    row.set("interval", interval_text(found, metric));
    row.set("p", p_text(found.p_corrected));
    row.set("counts", text(found.counts.wins, " / ", found.counts.ties, " / ", found.counts.losses));
  }

  static std::string interval_text(const ArmComparison& found, const MetricInfo& metric) {
    return text(metric_text(found.interval.low, metric, true), " to ", metric_text(found.interval.high, metric, true));
  }

  void add_secondary() {
    std::vector<std::string> labels;
    std::vector<const MetricInfo*> shown;
    for (const auto& metric : summary_.metrics) {
      if (!is_secondary(metric.name)) continue;
      labels.push_back(label_of(metric));
      shown.push_back(&metric);
    }
    data rows(data::type::list);
    for (size_t i = 1; i < summary_.arms.size(); ++i) rows.push_back(secondary_row(i, shown));
    page_.set("has_secondary", flag(!shown.empty() && summary_.arms.size() > 1));
    page_.set("secondary", list_of(labels));
    page_.set("secondary_rows", rows);
  }

  bool is_secondary(const std::string& name) const {
    const auto& wanted = study_.compare.secondary;
    return name != summary_.primary().name && std::any_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
             return metric_named({name}, one) == name;
           });
  }

  data secondary_row(size_t arm, const std::vector<const MetricInfo*>& metrics) const {
    data row = named(*summary_.arms[arm].arm, arm), cells(data::type::list);
    for (const MetricInfo* metric : metrics) {
      const auto& all = summary_.arms[arm].metrics;
      const bool known = !all.empty() && all.at(metric->name).difference;
      data cell;
      cell.set("difference",
               known ? metric_text(all.at(metric->name).difference->difference.mean, *metric, true) : "-");
      cell.set("interval", known ? interval_text(*all.at(metric->name).difference, *metric) : "");
      cells.push_back(cell);
    }
    row.set("cells", cells);
    return row;
  }

  void add_ranking() {
    const Ranking& ranking = summary_.ranking;
    const auto percent = [](double share) { return text(std::lround(share * 100), " %"); };
    data rows(data::type::list);
    for (size_t i = 0; i < ranking.arms.size(); ++i) {
      data row = named(*summary_.arms[summary_.ranked[i]].arm, summary_.ranked[i]);
      row.set("rank", text(ranking.arms[i].rank));
      row.set("best", percent(ranking.arms[i].best));
      row.set("range", text(ranking.arms[i].low, " to ", ranking.arms[i].high));
      rows.push_back(row);
    }
    char tau[32];
    std::snprintf(tau, sizeof tau, "%.2f", ranking.tau);
    page_.set("has_ranking", flag(ranking.arms.size() > 1));
    page_.set("ranks", rows);
    page_.set("tau", std::string(tau));
  }

  void add_classes() {
    std::vector<std::string> names;
    for (const auto& [id, name] : summary_.classes) names.push_back(name);
    data rows(data::type::list);
    for (size_t i = 0; i < summary_.arms.size(); ++i) {
      if (summary_.arms[i].metrics.empty()) continue;
      const auto& classes = summary_.arms[i].metrics.at(summary_.primary().name).classes;
      std::vector<std::string> values;
      for (const auto& [id, name] : summary_.classes) {
        const auto found = classes.find(id);
        values.push_back(found == classes.end() ? "-" : metric_text(found->second, summary_.primary()));
      }
      data row = named(*summary_.arms[i].arm, i);
      row.set("values", list_of(values));
      rows.push_back(row);
    }
    page_.set("has_classes", flag(names.size() > 1));
    page_.set("class_names", list_of(names));
    page_.set("class_rows", rows);
  }

  void add_curves() {
    std::vector<std::string> plots;
    for (const auto& [column, title] : curve_columns()) {
      const std::string plot = curve_plot(study_, column, title);
      if (!plot.empty()) plots.push_back(plot);
    }
    data legend(data::type::list);
    for (size_t i = 0; i < study_.arms.size(); ++i) legend.push_back(named(study_.arms[i], i));
    page_.set("has_curves", flag(!plots.empty()));
    page_.set("curves", list_of(plots));
    page_.set("legend", legend);
  }

  static std::vector<std::pair<std::string, std::string>> curve_columns() {
    return {{"loss", "training loss"}, {"val_dice", "validation Dice"}};
  }

  void add_pictures() {
    data pictures(data::type::list);
    bool any = false;
    for (size_t i = 0; i < in_.overlays.size(); ++i) {
      if (in_.overlays[i].empty()) continue;
      any = true;
      data picture = named(study_.arms[i], i);
      picture.set("seed", std::to_string(study_.arms[i].done().front()->seed));
      data cases(data::type::list);
      for (const auto& overlay : in_.overlays[i]) cases.push_back(case_fields(overlay, study_.arms[i]));
      picture.set("cases", cases);
      pictures.push_back(picture);
    }
    page_.set("has_cases", flag(any));
    page_.set("pictures", pictures);
    set_optional(page_, "dataset_problem", in_.dataset_problem);
  }

  data case_fields(const Overlay& overlay, const ArmData& arm) const {
    data fields;
    fields.set("role", overlay.role);
    fields.set("case", overlay.case_id);
    fields.set("value", text(summary_.primary().name, " ", metric_text(overlay.value, summary_.primary())));
    fields.set("slice", std::to_string(overlay.slice + 1));
    fields.set("slices", std::to_string(overlay.slices));
    set_optional(fields, "image", overlay.image);
    set_optional(fields, "problem", overlay.problem);
    fields.set("alt", text("Slice of case ", overlay.case_id, ", the ", overlay.role, " of arm ", arm.name,
                           ", with the contours of reference and prediction"));
    return fields;
  }

  void add_changes() {
    data changes(data::type::list);
    for (size_t i = 0; i < study_.arms.size(); ++i) {
      const ArmData& arm = study_.arms[i];
      data fields = named(arm, i), rows(data::type::list);
      for (const auto& change : arm.changes) {
        data row;
        row.set("path", change.path);
        row.set("before", change.baseline.empty() ? "-" : change.baseline);
        row.set("after", change.arm.empty() ? "-" : change.arm);
        rows.push_back(row);
      }
      set_optional(fields, "description", arm.description);
      fields.set("baseline", flag(i == 0));
      fields.set("same", flag(i > 0 && arm.changes.empty()));
      fields.set("has_rows", flag(!arm.changes.empty()));
      fields.set("rows", rows);
      changes.push_back(fields);
    }
    page_.set("changes", changes);
    data dropped(data::type::list);
    for (const auto& one : study_.dropped) {
      data fields;
      fields.set("name", one.name);
      fields.set("reason", one.reason);
      dropped.push_back(fields);
    }
    page_.set("has_dropped", flag(!study_.dropped.empty()));
    page_.set("dropped", dropped);
  }

  void add_method() {
    data definitions(data::type::list), experiments(data::type::list);
    for (const auto& metric : summary_.metrics) {
      data field;
      field.set("name", metric.name);
      field.set("meaning", metric.meaning);
      definitions.push_back(field);
    }
    for (const auto& arm : study_.arms) {
      data field;
      field.set("name", arm.name);
      field.set("text", arm.experiment.dump(2));
      experiments.push_back(field);
    }
    page_.set("definitions", definitions);
    page_.set("interval_method", interval_method(summary_, study_.compare));
    page_.set("verdict_method", verdict_method(summary_, study_.compare));
    page_.set("empty_policy", in_.empty_policy);
    page_.set("experiments", experiments);
    set_optional(page_, "credit", in_.dataset.credit);
    set_optional(page_, "environment", in_.environment.is_null() ? "" : in_.environment.dump(2));
  }

  const ReportContents& in_;
  const StudyData& study_;
  const StudySummary& summary_;
  data page_;
};

}  // namespace

std::string render_report(const ReportContents& contents) { return Page(contents).render(); }

}  // namespace lamina::engine
