// The public headers may change only together with the interface's number or a note that says why not.
#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>
#include <lamina/base/version.hpp>
#include <lamina/plugin/stamp.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamina {
namespace {

struct Row {
  int64_t interface = 0;
  std::string headers, change;
};

std::string trimmed(const std::string& cell) {
  const size_t first = cell.find_first_not_of(' ');
  return first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1);
}

/// Rows of the page's table, "| 1 | 0123456789abcdef | what changed |", oldest first.
std::vector<Row> history() {
  std::vector<Row> rows;
  for (const auto& line : split(read_file(LAMINA_TEST_SOURCE_DIR "/docs/interface-history.md"), '\n')) {
    const auto cells = split(line, '|');
    if (cells.size() != 5 || trimmed(cells[1]).find_first_not_of("0123456789") != std::string::npos) continue;
    rows.push_back({std::stoll(trimmed(cells[1])), trimmed(cells[2]), trimmed(cells[3])});
  }
  return rows;
}

TEST(InterfaceHistory, KnowsTheHeadersAsTheyAre) {
  const auto rows = history();
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows.back().headers, LAMINA_HEADER_HASH)
      << "a public header changed. If a plugin built before could misbehave, raise LAMINA_PLUGIN_API in "
         "lamina/plugin/stamp.hpp. Add to "
         "docs/interface-history.md:\n| "
      << LAMINA_PLUGIN_API << " | " LAMINA_HEADER_HASH " | what changed, or \"no ABI change: why\" |";
  EXPECT_EQ(rows.back().interface, LAMINA_PLUGIN_API);
}

TEST(InterfaceHistory, EveryRowRaisesTheNumberOrSaysWhyNot) {
  const auto rows = history();
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].interface == rows[i - 1].interface) {
      EXPECT_THAT(rows[i].change, testing::StartsWith("no ABI change: ")) << "row " << i + 1;
    } else {
      EXPECT_EQ(rows[i].interface, rows[i - 1].interface + 1) << "row " << i + 1;
    }
  }
  for (const auto& row : rows) EXPECT_FALSE(row.change.empty());
}

}  // namespace
}  // namespace lamina
