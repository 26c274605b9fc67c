// The page's sections, each from the study's numbers into the template's fields.
#pragma once

#include "engine/report/html.hpp"

#include <string>
#include <vector>

#include <kainjow/mustache.hpp>

namespace lamina::engine {

using PageFields = kainjow::mustache::data;

PageFields list_of(const std::vector<std::string>& items);
/// An empty text would hide nothing: sections of the template ask for true or false.
void set_optional(PageFields& fields, const std::string& name, const std::string& value);
PageFields flag(bool value);
/// Name, number and key (the CSS of its coloured square) of the n-th arm.
PageFields named(const ArmData& arm, size_t index);

/// Forest plot, tables, other metrics, order, pairs, cost.
void add_arms(PageFields& page, const ReportContents& in);
/// Every case: strips, pairs, gains and losses.
void add_cases(PageFields& page, const ReportContents& in);
/// Heat map, means, boxes, missed and invented.
void add_classes(PageFields& page, const ReportContents& in);
/// Best, median and worst; what differs most from the baseline.
void add_pictures(PageFields& page, const ReportContents& in);
void add_curves(PageFields& page, const ReportContents& in);
/// What arms change, how it was measured, provenance, downloads.
void add_appendix(PageFields& page, const ReportContents& in);

}  // namespace lamina::engine
