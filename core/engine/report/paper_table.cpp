// Lays out the paper's table, then writes it in either language.
#include "engine/report/paper_table.hpp"

#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>

namespace lamina::engine {
namespace {

struct PaperCell {
  std::string words;
  bool bold = false;
};

/// Words before they are escaped; the symbols below are the only ones beyond a name's or a number's.
constexpr const char *kPlusMinus = "\u00b1", *kUp = "\u2191", *kDown = "\u2193", *kMinus = "\u2212";

struct PaperTable {
  std::vector<std::string> head;
  std::vector<std::vector<PaperCell>> rows;
  std::string caption;
};

bool is_judged(const ArmSummary& arm, const std::string& metric, Verdict verdict) {
  if (arm.metrics.empty()) return false;
  const auto& difference = arm.metrics.at(metric).difference;
  return difference && difference->verdict == verdict;
}

/// Bold only where chance does not explain the lead: the best arm is better than the baseline, or it is the baseline
/// and all others are worse.
bool leads_clearly(const StudySummary& summary) {
  const std::string& metric = summary.primary().name;
  if (summary.best > 0) return is_judged(summary.arms[summary.best], metric, Verdict::Better);
  return summary.arms.size() > 1 && std::all_of(summary.arms.begin() + 1, summary.arms.end(), [&](const auto& arm) {
           return is_judged(arm, metric, Verdict::Worse);
         });
}

std::string score_text(const ArmSummary& arm, const MetricInfo& metric) {
  const auto found = arm.metrics.find(metric.name);
  if (found == arm.metrics.end() || std::isnan(found->second.mean)) return "-";
  return text(bare_number(found->second.mean, metric), " ", kPlusMinus, " ",
              bare_number(found->second.sd_cases, metric));
}

std::string short_p(double p) {
  const std::string words = p_text(p), below = "below ";
  return words.starts_with(below) ? "< " + words.substr(below.size()) : words;
}

std::vector<PaperCell> judged_cells(const ArmSummary& arm, const MetricInfo& metric, bool is_baseline) {
  if (is_baseline) return {{"baseline"}, {"-"}, {"-"}};
  if (arm.metrics.empty() || !arm.metrics.at(metric.name).difference) return {{"-"}, {"-"}, {"-"}};
  const ArmComparison& found = *arm.metrics.at(metric.name).difference;
  return {{text(bare_number(found.difference.mean, metric, true), " [", bare_number(found.interval.low, metric, true),
                ", ", bare_number(found.interval.high, metric, true), "]")},
          {short_p(found.p_corrected)},
          {verdict_word(found.verdict)}};
}

std::string head_of(const MetricInfo& metric) {
  return text(label_of(metric), " ", metric.higher_is_better ? kUp : kDown);
}

std::string caption_of(const StudyData& study, const StudySummary& summary) {
  const std::string scores =
      text("mean ", kPlusMinus, " SD over ", summary.cases, summary.cases == 1 ? " case" : " cases");
  if (summary.arms.size() < 2) return text(study.name, ": ", scores, ".");
  return text(study.name, ": ", scores, "; differences in ", summary.primary().name, " to ", study.baseline,
              ". Intervals: ", interval_method(summary, study.compare),
              ". Verdicts: ", verdict_method(summary, study.compare), ".");
}

PaperTable paper_table(const StudyData& study, const StudySummary& summary) {
  const MetricInfo& primary = summary.primary();
  const bool compared = summary.arms.size() > 1, bold = leads_clearly(summary);
  const auto secondary = secondary_metrics(summary, study.compare);
  PaperTable table{{"arm", head_of(primary)}, {}, caption_of(study, summary)};
  if (compared) {
    table.head.push_back(text("difference [", std::lround((1 - study.compare.alpha) * 100), " % CI]"));
    table.head.push_back(study.compare.correction == "holm" ? "p (Holm)" : "p");
    table.head.push_back("verdict");
  }
  for (const MetricInfo* metric : secondary) table.head.push_back(head_of(*metric));
  table.head.push_back("parameters that train");
  for (size_t i = 0; i < summary.arms.size(); ++i) {
    const ArmSummary& arm = summary.arms[i];
    const bool best = bold && i == summary.best;
    std::vector<PaperCell> row{{arm.arm->name, best}, {score_text(arm, primary), best}};
    if (compared) {
      for (auto& cell : judged_cells(arm, primary, i == 0)) row.push_back(std::move(cell));
    }
    for (const MetricInfo* metric : secondary) row.push_back({score_text(arm, *metric)});
    row.push_back({arm.metrics.empty() ? "-" : short_count(arm.trainable)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// Cells after the first, which is a name, hold numbers: the hyphen before a digit is a minus.
std::string with_minus(const std::string& plain) {
  std::string written;
  for (size_t i = 0; i < plain.size(); ++i) {
    const bool starts = i == 0 || plain[i - 1] == ' ' || plain[i - 1] == '[';
    const bool digit = i + 1 < plain.size() && std::isdigit(static_cast<unsigned char>(plain[i + 1]));
    written += plain[i] == '-' && starts && digit ? kMinus : std::string(1, plain[i]);
  }
  return written;
}

using Write = std::function<std::string(const PaperCell&, size_t column)>;

std::string row_text(const std::vector<PaperCell>& cells, const Write& write, const std::string& between) {
  std::vector<std::string> words;
  for (size_t i = 0; i < cells.size(); ++i) words.push_back(write(cells[i], i));
  return join(words, between);
}

std::vector<PaperCell> plain_cells(const std::vector<std::string>& words) {
  std::vector<PaperCell> cells;
  for (const auto& word : words) cells.push_back({word});
  return cells;
}

}  // namespace

std::string escape_markdown(const std::string& plain) {
  std::string safe;
  for (const char c : plain) {
    if (std::string("\\`*_[]<>|~&#").find(c) != std::string::npos) safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}

std::string escape_latex(const std::string& plain) {
  static const std::vector<std::pair<std::string, std::string>> kWritten{
      {"\\", "\\textbackslash{}"},
      {"~", "\\textasciitilde{}"},
      {"^", "\\textasciicircum{}"},
      {"<", "$<$"},
      {">", "$>$"},
      {"|", "\\textbar{}"},
      {"\"", "''"},
      {"\n", " "},
      {"[", "{[}"},
      {"*", "{*}"},  // after a row's end they would be its options
      {kPlusMinus, "$\\pm$"},
      {kMinus, "$-$"},
      {kUp, "$\\uparrow$"},
      {kDown, "$\\downarrow$"}};
  std::string safe;
  for (size_t i = 0; i < plain.size();) {
    const auto found = std::find_if(kWritten.begin(), kWritten.end(), [&](const auto& one) {
      return plain.compare(i, one.first.size(), one.first) == 0;
    });
    if (found != kWritten.end()) {
      safe += found->second;
      i += found->first.size();
      continue;
    }
    if (std::string("&%$#_{}").find(plain[i]) != std::string::npos) safe += '\\';
    safe += plain[i++];
  }
  return safe;
}

std::string markdown_table(const StudyData& study, const StudySummary& summary) {
  const PaperTable table = paper_table(study, summary);
  const Write write = [](const PaperCell& cell, size_t) {
    return cell.bold ? "**" + escape_markdown(cell.words) + "**" : escape_markdown(cell.words);
  };
  std::string out = text("| ", row_text(plain_cells(table.head), write, " | "), " |\n|");
  for (size_t i = 0; i < table.head.size(); ++i) out += i == 0 ? " --- |" : " ---: |";
  for (const auto& row : table.rows) out += text("\n| ", row_text(row, write, " | "), " |");
  return text(out, "\n\n", escape_markdown(table.caption), "\n");
}

std::string latex_table(const StudyData& study, const StudySummary& summary) {
  const PaperTable table = paper_table(study, summary);
  const Write write = [](const PaperCell& cell, size_t column) {
    const std::string words = escape_latex(column == 0 ? cell.words : with_minus(cell.words));
    return cell.bold ? "\\textbf{" + words + "}" : words;
  };
  const Write write_head = [](const PaperCell& cell, size_t) { return escape_latex(cell.words); };
  std::string out = text("% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\small\n\\caption{",
                         escape_latex(table.caption), "}\n\\begin{tabular}{l", std::string(table.head.size() - 1, 'r'),
                         "}\n\\toprule\n", row_text(plain_cells(table.head), write_head, " & "), " \\\\\n\\midrule\n");
  for (const auto& row : table.rows) out += row_text(row, write, " & ") + " \\\\\n";
  return out + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

}  // namespace lamina::engine
