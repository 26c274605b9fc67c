// Adapters of linear maps, folded into the maps.
#include <lamina/model/merged_maps.hpp>

namespace lamina {

MergedMaps::MergedMaps(Model& model) : model_(model) {
  model_.encoder().merge();
  model_.prompter().merge();
  model_.decoder().merge();
}

MergedMaps::~MergedMaps() {
  model_.encoder().unmerge();
  model_.prompter().unmerge();
  model_.decoder().unmerge();
}

}  // namespace lamina
