// Seeds run one after the other over all arms, fold by fold: the order of the plan says which came before.
#include "engine/ablate/earlier_seeds.hpp"

#include <lamina/base/atomic_file.hpp>

namespace lamina::engine {
namespace {

std::vector<Cell> cells_of(const std::filesystem::path& study) {
  std::vector<Cell> cells;
  const auto file = study / "plan.json";
  if (!std::filesystem::exists(file)) return cells;
  const ConfigNode list = ConfigNode::parse(read_file(file), file.string()).at("cells");
  for (size_t i = 0; i < list.size(); ++i) {
    const ConfigNode one = list.at(i);
    Cell cell;
    cell.arm = one.at("arm").as_text();
    cell.seed = one.at("seed").as_integer();
    if (one.contains("fold")) cell.fold = one.at("fold").as_integer();
    cell.run = study / one.at("run").as_text();
    cells.push_back(std::move(cell));
  }
  return cells;
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
  const std::vector<Cell> cells = cells_of(run.path().parent_path());
  std::vector<RunFolder> earlier;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].run.filename() != run.path().filename()) continue;
    for (const size_t other : earlier_seeds(cells, i)) earlier.emplace_back(cells[other].run);
    break;
  }
  return earlier;
}

}  // namespace lamina::engine
