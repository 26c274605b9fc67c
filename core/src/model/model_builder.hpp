// Builds a model step by step; each step knows the shapes before it and refuses what cannot fit.
#pragma once

#include <lamina/model/model.hpp>

#include <string>
#include <vector>

namespace lamina {

/// One entry of "adapters" while the model is built.
struct AdapterEntry {
  std::string id, where;           // "depth", "model.adapters[depth]"
  std::vector<std::string> globs;  // of "at", or the adapter's default
  std::vector<int64_t> matches;    // sites each glob chose so far
  bool by_default = false;
  std::shared_ptr<Adapter> adapter;
};

class Model::Builder {
 public:
  Builder(const Registry& registry, const ConfigNode& section, const ModelSetup& setup);
  std::shared_ptr<Model> run();

 private:
  ConfigNode entry(const std::string& key, const char* otherwise) const;
  void make_encoder();
  void make_adapters();
  AdapterEntry read_adapter(const ConfigNode& node, size_t index) const;
  void attach(Room room, SiteHost& host, const HostInfo& info);
  void attach_one(AdapterEntry& entry, const std::string& path, SiteId id, SiteHost& host, const HostInfo& info);
  void settle();
  void make_prompter();
  void make_decoder();
  void check_globs() const;
  void want(const std::vector<std::string>& globs, const std::string& who);

  const Registry& registry_;
  const ConfigNode& section_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<torch::nn::Module> adapter_room_;
  std::vector<AdapterEntry> entries_;
  std::vector<FeatureSpec> features_;
  std::vector<std::string> site_paths_;  // all sites seen, for messages
};

}  // namespace lamina
