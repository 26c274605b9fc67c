// The page's end: what arms change, how it was measured, provenance, files to take along.
#include "engine/report/data_uri.hpp"
#include "engine/report/host_paths.hpp"
#include "engine/report/html_sections.hpp"
#include "engine/report/paper_table.hpp"
#include "engine/report/tables.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

using kainjow::mustache::data;

std::string or_dash(const std::string& value) { return value.empty() ? "-" : without_folders(value); }

data change_rows(const ArmData& arm) {
  data rows(data::type::list);
  for (const auto& change : arm.changes) {
    data row;
    row.set("path", change.path);
    row.set("before", or_dash(change.baseline));
    row.set("after", or_dash(change.arm));
    rows.push_back(row);
  }
  return rows;
}

void add_changes(PageFields& page, const StudyData& study) {
  data changes(data::type::list), dropped(data::type::list);
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const ArmData& arm = study.arms[i];
    data fields = named(arm, i);
    set_optional(fields, "description", arm.description);
    fields.set("baseline", flag(i == 0));
    fields.set("same", flag(i > 0 && arm.changes.empty()));
    fields.set("has_rows", flag(!arm.changes.empty()));
    fields.set("rows", change_rows(arm));
    changes.push_back(fields);
  }
  for (const auto& one : study.dropped) {
    data fields;
    fields.set("name", one.name);
    fields.set("reason", one.reason);
    dropped.push_back(fields);
  }
  page.set("changes", changes);
  page.set("has_dropped", flag(!study.dropped.empty()));
  page.set("dropped", dropped);
}

void add_method(PageFields& page, const ReportContents& in) {
  data definitions(data::type::list);
  for (const auto& metric : in.summary.metrics) {
    data field;
    field.set("name", metric.name);
    field.set("meaning", metric.meaning);
    definitions.push_back(field);
  }
  page.set("definitions", definitions);
  page.set("interval_method", interval_method(in.summary, in.study.compare));
  page.set("verdict_method", verdict_method(in.summary, in.study.compare));
  page.set("empty_policy", in.empty_policy);
  set_optional(page, "credit", in.dataset.credit);
}

void add_provenance(PageFields& page, const ReportContents& in) {
  data experiments(data::type::list);
  for (const auto& arm : in.study.arms) {
    data field;
    field.set("name", arm.name);
    field.set("text", without_folders(arm.experiment.dump(2)));
    experiments.push_back(field);
  }
  page.set("experiments", experiments);
  ConfigNode environment = in.environment;
  if (environment.is_object() && environment.contains("machine")) {
    ConfigNode machine = environment.at("machine");
    machine.erase("host");
    environment.set("machine", machine);
  }
  set_optional(page, "environment", environment.is_null() ? "" : without_folders(environment.dump(2)));
}

void add_downloads(PageFields& page, const ReportContents& in) {
  constexpr size_t kLargest = 4 << 20;
  data downloads(data::type::list);
  const auto add = [&](const std::string& file, const std::string& type, const std::string& bytes) {
    if (bytes.size() > kLargest) return;
    data download;
    download.set("file", file);
    download.set("size", human_bytes(static_cast<int64_t>(bytes.size())));
    download.set("uri", data_uri(type, bytes));
    downloads.push_back(download);
  };
  add("results.csv", "text/csv;charset=utf-8", results_csv(in.study));
  add(in.study.name + ".tex", "text/plain;charset=utf-8", latex_table(in.study, in.summary));
  add(in.study.name + ".md", "text/plain;charset=utf-8", markdown_table(in.study, in.summary));
  page.set("has_downloads", flag(!downloads.is_empty_list()));
  page.set("downloads", downloads);
}

}  // namespace

void add_appendix(PageFields& page, const ReportContents& in) {
  add_changes(page, in.study);
  add_method(page, in);
  add_provenance(page, in);
  add_downloads(page, in);
}

}  // namespace lamina::engine
