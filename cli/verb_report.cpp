// lamina report: writes a study's report anew, from what lies in its folder.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/report/report.hpp"

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

fs::path study_folder(const po::variables_map& arguments) {
  const fs::path given = word_of(arguments, "study");
  const bool is_folder = fs::exists(given / "plan.json");
  return is_folder ? given : runs_folder(arguments) / given.stem();
}

int report(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto pictures = arguments.contains("no-pictures") ? engine::CasePictures::LeftOut : engine::CasePictures::Shown;
  const fs::path file = fs::absolute(engine::write_report(study_folder(arguments), *registry, pictures));
  ConfigNode node = ConfigNode::object();
  node.set("report", file.string());
  print(arguments, node, "report: " + file.string() + "\n");
  return 0;
}

}  // namespace

Verb report_verb() {
  return {"report",
          "writes results.csv, stats.json and report.html of a study anew",
          "lamina report STUDY [--runs DIR] [--no-pictures]",
          "lamina report runs/phantom_unet",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("study", po::value<std::string>()->required(), "the study's folder, or its name under --runs");
            add("no-pictures", "leave pictures of cases out: numbers and plots alone, which may be given away");
            declare_runs(options);
            declare_json(options);
            positional.add("study", 1);
          },
          report};
}

}  // namespace lamina::cli
