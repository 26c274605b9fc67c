// Counters to and from a checkpoint's metadata; numbers come back exactly.
#include "engine/train/counters.hpp"

namespace lamina::engine {

ConfigNode Counters::to_node() const {
  ConfigNode terms = ConfigNode::object();
  for (const auto& [name, value] : sums.terms) terms.set(name, value);
  ConfigNode under_way = ConfigNode::object();
  under_way.set("steps", sums.steps);
  under_way.set("loss", sums.loss);
  under_way.set("grad_norm", sums.grad_norm);
  under_way.set("seconds", sums.seconds);
  under_way.set("rate", sums.rate);
  under_way.set("terms", std::move(terms));
  ConfigNode node = ConfigNode::object();
  node.set("epoch", epoch);
  node.set("step", step);
  node.set("seconds", seconds);
  if (best) node.set("best", *best);
  node.set("best_epoch", best_epoch);
  if (!stopped.empty()) node.set("stopped", stopped);
  node.set("sums", std::move(under_way));
  return node;
}

Counters Counters::from_node(const ConfigNode& node) {
  const ConfigNode under_way = node.at("sums"), terms = under_way.at("terms");
  Counters counters;
  counters.epoch = node.at("epoch").as_integer();
  counters.step = node.at("step").as_integer();
  counters.seconds = node.at("seconds").as_number();
  if (node.contains("best")) counters.best = node.at("best").as_number();
  counters.best_epoch = node.at("best_epoch").as_integer();
  counters.stopped = node.text_or("stopped", "");
  counters.sums.steps = under_way.at("steps").as_integer();
  counters.sums.loss = under_way.at("loss").as_number();
  counters.sums.grad_norm = under_way.at("grad_norm").as_number();
  counters.sums.seconds = under_way.at("seconds").as_number();
  counters.sums.rate = under_way.at("rate").as_number();
  for (const auto& name : terms.keys()) counters.sums.terms[name] = terms.at(name).as_number();
  return counters;
}

}  // namespace lamina::engine
