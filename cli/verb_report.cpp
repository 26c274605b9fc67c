// lamina report: writes a study's report anew, from what lies in its folder, or prints its numbers for a paper.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/report/report.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>

#include <iostream>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

fs::path study_folder(const po::variables_map& arguments) {
  const fs::path given = word_of(arguments, "study");
  const bool is_folder = fs::exists(given / "plan.json");
  return is_folder ? given : runs_folder(arguments) / given.stem();
}

int say_where(const po::variables_map& arguments, const fs::path& written) {
  const std::string file = fs::absolute(written).string();
  ConfigNode node = ConfigNode::object();
  node.set("report", file);
  print(arguments, node, "report: " + file + "\n");
  return 0;
}

int report(const po::variables_map& arguments) {
  const auto format = engine::report_format(word_of(arguments, "format"));
  const fs::path output = word_of(arguments, "output");
  const auto registry = open_registry();
  if (format == engine::ReportFormat::Html) {
    const auto pictures =
        arguments.contains("no-pictures") ? engine::CasePictures::LeftOut : engine::CasePictures::Shown;
    return say_where(arguments, engine::write_report(study_folder(arguments), *registry, pictures, output));
  }
  if (output.empty() && wants_json(arguments)) {
    throw ConfigError("--json tells where a report was written, and --format " + word_of(arguments, "format") +
                      " prints it; give --output FILE, or for the numbers in JSON --format json alone");
  }
  const std::string written = engine::report_text(study_folder(arguments), *registry, format);
  if (output.empty()) {
    std::cout << written << std::flush;
    return 0;
  }
  write_file(output, written);
  return say_where(arguments, output);
}

}  // namespace

Verb report_verb() {
  return {
      "report",
      "writes results.csv, stats.json and report.html of a study anew, or prints its table for a paper",
      "lamina report STUDY [--format html|md|latex|csv|json] [--output FILE] [--runs DIR] [--no-pictures]",
      "lamina report runs/phantom_unet --format latex --output table.tex",
      [](po::options_description& options, po::positional_options_description& positional) {
        auto add = options.add_options();
        add("study", po::value<std::string>()->required(), "the study's folder, or its name under --runs");
        add("format", po::value<std::string>()->value_name("FORMAT")->default_value("html"),
            "html writes the three files; md and latex print the paper's table, csv every score, json every number");
        add("output", po::value<std::string>()->value_name("FILE"), "write here: the page, or what would be printed");
        add("no-pictures", "leave pictures of cases out: numbers and plots alone, which may be given away");
        declare_runs(options);
        declare_json(options);
        positional.add("study", 1);
      },
      report};
}

}  // namespace lamina::cli
