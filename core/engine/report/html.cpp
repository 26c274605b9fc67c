// Turns a study's numbers into the page's fields.
#include "engine/report/html.hpp"

#include "engine/report/plots.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>

#include <cmath>

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
    page_.set("draws", std::to_string(study_.compare.draws));
    page_.set("confidence", std::to_string(std::lround((1 - study_.compare.alpha) * 100)));
    add_facts();
    add_verdict();
    add_table();
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
    const Verdict verdict = verdict_of(summary_, study_.compare);
    page_.set("headline", verdict.headline);
    page_.set("has_sentences", flag(!verdict.arms.empty()));
    page_.set("sentences", list_of(verdict.arms));
    const auto caveats = caveats_of(summary_, study_);
    page_.set("has_caveats", flag(!caveats.empty()));
    page_.set("caveats", list_of(caveats));
    data failures(data::type::list);
    for (const auto& arm : study_.arms) {
      for (const auto& run : arm.runs) {
        if (run.status.state != "failed") continue;
        data failure;
        failure.set("title", text(arm.name, ", seed ", run.seed));
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
    row.set("finding", "");
    row.set("difference", &arm == &summary_.arms.front() ? "baseline" : "-");
    row.set("interval", "");
    const auto& metric = summary_.primary();
    if (arm.metrics.empty() || !arm.metrics.at(metric.name).difference) return;
    const PairedDifference& difference = *arm.metrics.at(metric.name).difference;
    const Finding finding = finding_of(difference, metric);
    row.set("finding", finding == Finding::Better ? "better" : finding == Finding::Worse ? "worse" : "");
    row.set("difference", metric_text(difference.mean, metric, true));
    row.set("interval", text(metric_text(difference.interval.low, metric, true), " to ",
                             metric_text(difference.interval.high, metric, true)));
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
