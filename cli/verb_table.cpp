// The one symbol of liblamina_verbs.so: all heavy verbs.
#include "heavy.hpp"

#include <lamina/base/export.hpp>

extern "C" LAMINA_API std::vector<lamina::cli::Verb> lamina_heavy_verbs() {
  using namespace lamina::cli;
  return {train_verb(),          predict_verb(),         evaluate_verb(),      ablate_verb(),
          run_cell_verb(),       report_verb(),          leaderboard_verb(),   compare_verb(),
          status_verb(),         check_verb(),           data_check_verb(),    config_resolve_verb(),
          config_explain_verb(), config_diff_verb(),     config_schema_verb(), weights_inspect_verb(),
          weights_names_verb(),  weights_convert_verb(), weights_diff_verb(),  weights_fetch_verb(),
          forward_verb(),        segment_verb(),         embed_verb(),         describe_verb(),
          describe_sites_verb()};
}
