// The verbs of liblamina_verbs.so, one maker each.
#pragma once

#include "verb.hpp"

namespace lamina::cli {

Verb train_verb();
Verb predict_verb();
Verb evaluate_verb();
Verb ablate_verb();
Verb run_cell_verb();
Verb report_verb();
Verb leaderboard_verb();
Verb compare_verb();
Verb status_verb();
Verb check_verb();
Verb data_check_verb();
Verb config_resolve_verb();
Verb config_explain_verb();
Verb config_diff_verb();
Verb config_schema_verb();
Verb weights_inspect_verb();
Verb weights_names_verb();
Verb weights_convert_verb();
Verb weights_diff_verb();
Verb weights_fetch_verb();
Verb forward_verb();
Verb segment_verb();
Verb embed_verb();
Verb describe_verb();
Verb describe_sites_verb();

}  // namespace lamina::cli
