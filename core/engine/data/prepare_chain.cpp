// Builds, fits and applies the `prepare` transforms.
#include "engine/data/prepared.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

constexpr const char* kPrefix = "prepare.";

}  // namespace

PrepareChain::PrepareChain(const std::vector<ConfigNode>& entries, const TransformContext& context,
                           const Registry& registry) {
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string where = text("prepare[", i, "]");
    names_.push_back(as_entry(entries[i]).text_or("type", where));
    transforms_.push_back(registry.create<Transform>(entries[i], where, context));
    states_.emplace_back();
  }
}

void PrepareChain::fit(const Dataset& dataset, const std::vector<std::string>& training_ids) {
  for (size_t i = 0; i < transforms_.size(); ++i) {
    const auto load = [&](const std::string& id) {
      Case one = dataset.load(id, WithLabels::Yes);
      for (size_t before = 0; before < i; ++before) one = step(before, std::move(one));
      return one;
    };
    states_[i] = transforms_[i]->fit(training_ids, load);
    transforms_[i]->restore(states_[i]);
  }
}

TensorDict PrepareChain::state() const {
  TensorDict state;
  for (size_t i = 0; i < states_.size(); ++i) {
    for (const auto& [name, tensor] : states_[i]) state[text(kPrefix, i, ".", name)] = tensor;
  }
  return state;
}

void PrepareChain::restore(const TensorDict& state) {
  for (size_t i = 0; i < transforms_.size(); ++i) {
    const std::string prefix = text(kPrefix, i, ".");
    states_[i].clear();
    for (const auto& [name, tensor] : state) {
      if (name.starts_with(prefix)) states_[i][name.substr(prefix.size())] = tensor;
    }
    transforms_[i]->restore(states_[i]);
  }
}

Case PrepareChain::step(size_t index, Case one) const {
  const std::string id = one.id;
  const auto where = [&] { return text("case ", id, ": prepare step ", index, " (", names_[index], "): "); };
  Random fixed(0);
  try {
    return transforms_[index]->apply(std::move(one), fixed);
  } catch (const ConfigError& problem) {
    throw ConfigError(where() + problem.what());
  } catch (const StorageError& problem) {
    throw StorageError(where() + problem.what());
  } catch (const std::exception& problem) {
    throw DataError(where() + problem.what());
  }
}

Case PrepareChain::apply(Case raw) const {
  for (size_t i = 0; i < transforms_.size(); ++i) raw = step(i, std::move(raw));
  return raw;
}

Case PrepareChain::apply(Case raw, std::vector<Frame>& frames) const {
  frames.assign(1, frame_of(raw));
  for (size_t i = 0; i < transforms_.size(); ++i) {
    raw = step(i, std::move(raw));
    frames.push_back(frame_of(raw));
  }
  return raw;
}

std::vector<std::unique_ptr<SlabSink>> PrepareChain::inverse(const std::vector<Frame>& frames, SlabSink& last) const {
  if (frames.size() != transforms_.size() + 1) {
    throw Error(text("got ", frames.size(), " frames for ", transforms_.size(),
                     " prepare steps; expected one more than steps"));
  }
  std::vector<std::unique_ptr<SlabSink>> sinks;
  for (size_t i = 0; i < transforms_.size(); ++i) {
    SlabSink& next = sinks.empty() ? last : *sinks.back();
    if (auto sink = transforms_[i]->inverse(frames[i], frames[i + 1], next)) sinks.push_back(std::move(sink));
  }
  return sinks;
}

}  // namespace lamina::engine
