// Fills the page: its head here, its sections by their own files.
#include "engine/report/html.hpp"

#include "engine/report/host_paths.hpp"
#include "engine/report/html_sections.hpp"
#include "engine/report/plot_axis.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

using kainjow::mustache::data;

constexpr const char* kStyle =
#include "engine/report/style.css.inc"
    ;
constexpr const char* kPage =
#include "engine/report/page.html.inc"
    ;

void add_head(PageFields& page, const ReportContents& in) {
  page.set("name", in.study.name);
  set_optional(page, "description", in.study.description);
  page.set("style", std::string(kStyle));
  page.set("version", LAMINA_VERSION);
  page.set("primary", in.summary.primary().name);
  page.set("compared", flag(in.summary.arms.size() > 1));
  page.set("draws", std::to_string(in.study.compare.rules().draws));
  page.set("confidence", std::to_string(std::lround((1 - in.study.compare.alpha) * 100)));
}

std::string class_names(const StudySummary& summary) {
  std::vector<std::string> names;
  for (const auto& [id, name] : summary.classes) names.push_back(name);
  return join(names);
}

void add_facts(PageFields& page, const ReportContents& in) {
  data facts(data::type::list);
  const auto add = [&](const std::string& label, const std::string& value) {
    if (value.empty()) return;
    data fact;
    fact.set("label", label);
    fact.set("value", value);
    facts.push_back(fact);
  };
  const ConfigNode experiment = in.study.arms.front().experiment;
  add("dataset", in.dataset.name.empty() ? experiment.at("dataset").text_or("type", "") : in.dataset.name);
  add("test cases", std::to_string(in.summary.cases));
  add("classes", class_names(in.summary));
  add("baseline", in.study.baseline);
  add("arms", std::to_string(in.study.arms.size()));
  add("seeds", join(in.study.seeds));
  page.set("facts", facts);
}

void add_failures(PageFields& page, const StudyData& study) {
  data failures(data::type::list);
  for (const auto& arm : study.arms) {
    for (const auto& run : arm.runs) {
      if (run.status.state != "failed") continue;
      data failure;
      failure.set("title", text(arm.name, run.fold ? text(", fold ", *run.fold) : "", ", seed ", run.seed));
      failure.set("error", without_folders(run.status.error));
      failures.push_back(failure);
    }
  }
  page.set("failures", failures);
}

void add_verdict(PageFields& page, const ReportContents& in) {
  const Sentences sentences = sentences_of(in.summary, in.study.compare);
  page.set("headline", sentences.headline);
  page.set("has_sentences", flag(!sentences.arms.empty()));
  page.set("sentences", list_of(sentences.arms));
  std::vector<std::string> caveats;
  for (const auto& caveat : caveats_of(in.summary, in.study)) caveats.push_back(without_folders(caveat));
  page.set("has_caveats", flag(!caveats.empty()));
  page.set("caveats", list_of(caveats));
}

}  // namespace

PageFields list_of(const std::vector<std::string>& items) {
  data list(data::type::list);
  for (const auto& item : items) list.push_back(item);
  return list;
}

void set_optional(PageFields& fields, const std::string& name, const std::string& value) {
  if (value.empty()) {
    fields.set(name, data::type::bool_false);
  } else {
    fields.set(name, value);
  }
}

PageFields flag(bool value) { return value ? data::type::bool_true : data::type::bool_false; }

PageFields named(const ArmData& arm, size_t index) {
  data fields;
  const std::string colour = arm_colour(index);
  fields.set("name", arm.name);
  fields.set("number", std::to_string(index + 1));
  fields.set("key", arm_dashes(index).empty() ? "background:" + colour : "border:.2em solid " + colour);
  return fields;
}

std::string render_report(const ReportContents& contents) {
  data page;
  add_head(page, contents);
  add_facts(page, contents);
  add_verdict(page, contents);
  add_failures(page, contents.study);
  add_arms(page, contents);
  add_cases(page, contents);
  add_classes(page, contents);
  add_curves(page, contents);
  add_pictures(page, contents);
  add_appendix(page, contents);
  kainjow::mustache::mustache filled{std::string(kPage)};
  const std::string html = filled.render(page);
  if (!filled.is_valid()) throw Error("the report's template is damaged: " + filled.error_message());
  return html;
}

}  // namespace lamina::engine
