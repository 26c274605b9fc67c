// Turns prepared cases into files of the cache and back.
#include "engine/data/case_file.hpp"

#include "engine/data/mapped_tensors.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <cctype>
#include <limits>

#include <nlohmann/json.hpp>

namespace lamina::engine {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "lamina-prepared-1";
constexpr const char* kLocations = "locations";

json to_json(const Geometry& geometry) {
  return {{"spacing", geometry.spacing},
          {"origin", geometry.origin},
          {"direction", geometry.direction},
          {"dimensions", geometry.dimensions},
          {"format", geometry.format}};
}

Geometry geometry_of(const json& node) {
  Geometry geometry;
  node.at("spacing").get_to(geometry.spacing);
  node.at("origin").get_to(geometry.origin);
  node.at("direction").get_to(geometry.direction);
  node.at("dimensions").get_to(geometry.dimensions);
  node.at("format").get_to(geometry.format);
  return geometry;
}

torch::Tensor as_stored(const torch::Tensor& voxels, torch::ScalarType type) {
  return voxels.to(torch::kCPU, type).contiguous();
}

void require_int16(const Case& one, const torch::Tensor& labels) {
  using Limits = std::numeric_limits<int16_t>;
  if (labels.numel() == 0) return;
  const auto low = labels.min().item<int64_t>(), high = labels.max().item<int64_t>();
  if (low >= Limits::min() && high <= Limits::max()) return;
  throw DataError(
      text("case ", one.id, ": labels reach from ", low, " to ", high, "; expected at most ", Limits::max()));
}

/// Collects tensors and the geometry of one kind of volume ("images", "labels", "instances").
struct Shelf {
  TensorDict tensors;
  json volumes = json::array();  // in order: {"kind", "stream", geometry}

  void add(const std::string& kind, const Streams<Volume>& streams, torch::ScalarType type) {
    for (const auto& [stream, volume] : streams) {
      if (!volume.defined()) continue;
      tensors[kind + "." + stream] = as_stored(volume.voxels, type);
      volumes.push_back({{"kind", kind}, {"stream", stream}, {"geometry", to_json(volume.geometry)}});
    }
  }
};

Streams<Volume>& shelf_of(Case& one, const std::string& kind) {
  if (kind == "images") return one.images;
  return kind == "labels" ? one.labels : one.instances;
}

PreparedCase decode(const SafetensorsFile& file) {
  if (file.metadata.at("format") != kFormat) throw DataError("it has another format");
  const json meta = json::parse(file.metadata.at("case"));
  PreparedCase one;
  one.content.id = meta.at("id").get<std::string>();
  one.content.group = meta.at("group").get<std::string>();
  meta.at("valid").at(0).get_to(one.content.valid.begin);
  meta.at("valid").at(1).get_to(one.content.valid.end);
  if (!meta.at("ignore").is_null()) one.content.ignore = meta.at("ignore").get<int64_t>();
  for (const auto& volume : meta.at("volumes")) {
    const auto kind = volume.at("kind").get<std::string>(), stream = volume.at("stream").get<std::string>();
    shelf_of(one.content, kind).set(stream, {file.tensors.at(kind + "." + stream), geometry_of(volume.at("geometry"))});
  }
  const std::string prefix = std::string(kLocations) + ".";
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(prefix)) one.locations[std::stoll(name.substr(prefix.size()))] = tensor;
  }
  return one;
}

}  // namespace

void write_case(const std::filesystem::path& file, const Case& prepared) {
  Shelf shelf;
  shelf.add("images", prepared.images, torch::kFloat32);
  if (prepared.has_label()) require_int16(prepared, prepared.labels.primary().voxels);
  shelf.add("labels", prepared.labels, torch::kInt16);
  shelf.add("instances", prepared.instances, torch::kInt32);
  if (prepared.has_label()) {
    for (const auto& [label, positions] : find_locations(prepared.labels.primary().voxels, prepared.ignore)) {
      shelf.tensors[text(kLocations, ".", label)] = positions;
    }
  }
  const json meta = {{"id", prepared.id},
                     {"group", prepared.group},
                     {"valid", {prepared.valid.begin, prepared.valid.end}},
                     {"ignore", prepared.ignore ? json(*prepared.ignore) : json()},
                     {"volumes", shelf.volumes}};
  write_safetensors(file, shelf.tensors, {{"format", kFormat}, {"case", meta.dump()}});
}

PreparedCase read_case(const std::filesystem::path& file) {
  const auto content = map_safetensors(file);
  try {
    return decode(content);
  } catch (const DataError& problem) {
    throw DataError(text(file.string(), ": ", problem.what()));
  } catch (const std::exception& problem) {
    throw DataError(text(file.string(), " is no prepared case: ", problem.what()));
  }
}

std::string case_file_name(const std::string& id) {
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string name;
  for (const char letter : id) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) || letter == '-' || letter == '_') {
      name += letter;
    } else {
      name += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return name + ".safetensors";
}

}  // namespace lamina::engine
