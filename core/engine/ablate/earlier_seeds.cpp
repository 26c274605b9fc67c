// Seeds run one after the other over all arms, fold by fold: the order of the plan says which came before.
#include "engine/ablate/earlier_seeds.hpp"

#include <lamina/base/atomic_file.hpp>

#include <algorithm>
#include <set>

namespace lamina::engine {
namespace {

std::vector<Cell> cells_of(const ConfigNode& plan, const std::filesystem::path& study) {
  std::vector<Cell> cells;
  const ConfigNode list = plan.at("cells");
  for (size_t i = 0; i < list.size(); ++i) {
    const ConfigNode one = list.at(i);
    Cell cell;
    cell.arm = one.at("arm").as_text();
    cell.seed = one.at("seed").as_integer();
    if (one.contains("fold")) cell.fold = one.at("fold").as_integer();
    cell.run = study / one.at("run").as_text();
    cell.hashes.train = one.at("hashes").at("train").as_text();
    cells.push_back(std::move(cell));
  }
  return cells;
}

/// The baseline and what arms name as their opponent.
std::set<std::string> opponents_of(const ConfigNode& plan) {
  std::set<std::string> names{plan.at("baseline").as_text()};
  const ConfigNode arms = plan.at("arms");
  for (size_t i = 0; i < arms.size(); ++i) names.insert(arms.at(i).text_or("against", ""));
  return names;
}

/// Whether the training is also that of an arm that others are compared with.
bool is_needed_whole(const Cell& cell, const std::vector<Cell>& cells, const std::set<std::string>& opponents) {
  return std::any_of(cells.begin(), cells.end(), [&](const Cell& other) {
    return other.hashes.train == cell.hashes.train && opponents.contains(other.arm);
  });
}

}  // namespace

std::vector<size_t> earlier_seeds(const std::vector<Cell>& cells, size_t index) {
  std::vector<size_t> earlier;
  for (size_t i = 0; i < index; ++i) {
    if (cells[i].fold != cells[index].fold) continue;
    if (cells[i].seed == cells[index].seed) break;
    earlier.push_back(i);
  }
  return earlier;
}

std::vector<RunFolder> earlier_seeds(const RunFolder& run) {
  std::vector<RunFolder> earlier;
  const auto study = run.path().parent_path(), file = study / "plan.json";
  if (!std::filesystem::exists(file)) return earlier;
  const ConfigNode plan = ConfigNode::parse(read_file(file), file.string());
  const std::vector<Cell> cells = cells_of(plan, study);
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].run.filename() != run.path().filename()) continue;
    if (is_needed_whole(cells[i], cells, opponents_of(plan))) break;
    for (const size_t other : earlier_seeds(cells, i)) earlier.emplace_back(cells[other].run);
    break;
  }
  return earlier;
}

}  // namespace lamina::engine
