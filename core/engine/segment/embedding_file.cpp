#include "engine/segment/embedding_file.hpp"

#include "engine/data/mapped_tensors.hpp"
#include "engine/experiment/sha256.hpp"
#include "model/safetensors_header.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include <nlohmann/json.hpp>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Metadata = std::map<std::string, std::string>;

constexpr const char* kFormat = "lamina embeddings 1";

std::string tensor_name(int axis) { return text("axis", axis, "/features"); }
int64_t bytes_per_value(const EmbeddingHead& head) { return head.dtype == "f16" ? 2 : 4; }
torch::ScalarType type_of_head(const EmbeddingHead& head) {
  return head.dtype == "f16" ? torch::kFloat16 : torch::kFloat32;
}

int64_t bytes_per_slice(const EmbeddingHead& head) {
  const auto& e = head.embedding;
  return e[0] * e[1] * e[2] * bytes_per_value(head);
}

Metadata metadata_of(const EmbeddingHead& head) {
  return {{"format", kFormat},
          {"model", head.model},
          {"model_hash", head.model_hash},
          {"image", head.image},
          {"image_hash", head.image_hash},
          {"window", to_text(head.window)},
          {"square", std::to_string(head.square)},
          {"dtype", head.dtype},
          {"size", Json(head.size).dump()},
          {"spacing", Json(head.geometry.spacing).dump()},
          {"origin", Json(head.geometry.origin).dump()},
          {"direction", Json(head.geometry.direction).dump()}};
}

std::string start_of_file(const EmbeddingHead& head) {
  const StoredType type = head.dtype == "f16" ? StoredType{"F16", 2} : StoredType{"F32", 4};
  const auto& [channels, rows, columns] = head.embedding;
  std::vector<StoredTensor> tensors;
  for (const int axis : head.axes) {
    tensors.push_back({tensor_name(axis), type, {head.size[static_cast<size_t>(axis)], channels, rows, columns}, 0, 0});
  }
  return safetensors_start(tensors, metadata_of(head));
}

void require_written(bool good, const fs::path& file) {
  if (!good) throw StorageError(text("cannot write ", file.string(), ": ", std::strerror(errno)));
}

/// Reads metadata that metadata_of() wrote.
EmbeddingHead head_of(const Metadata& metadata, const TensorDict& tensors, const fs::path& file) {
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) throw DataError(text(file.string(), ": its metadata lack '", key, "'"));
    return found->second;
  };
  if (!metadata.contains("format") || metadata.at("format") != kFormat)
    throw DataError(text(file.string(), " holds no embeddings; `lamina embed` makes such files"));
  EmbeddingHead head;
  head.model = value("model");
  head.model_hash = value("model_hash");
  head.image = value("image");
  head.image_hash = value("image_hash");
  head.dtype = value("dtype");
  try {
    head.square = std::stoll(value("square"));
    head.size = Json::parse(value("size")).get<Size3>();
    head.geometry.spacing = Json::parse(value("spacing")).get<std::array<double, 3>>();
    head.geometry.origin = Json::parse(value("origin")).get<std::array<double, 3>>();
    head.geometry.direction = Json::parse(value("direction")).get<std::array<double, 9>>();
  } catch (const std::exception& problem) {
    throw DataError(text(file.string(), ": its metadata cannot be read: ", problem.what()));
  }
  head.axes.clear();
  for (int axis = 0; axis < 3; ++axis) {
    const auto found = tensors.find(tensor_name(axis));
    if (found == tensors.end()) continue;
    const torch::Tensor& features = found->second;
    if (features.dim() != 4 || features.size(0) != head.size[static_cast<size_t>(axis)])
      throw DataError(text(file.string(), ": ", tensor_name(axis), " has the shape [", join(features.sizes()),
                           "]; expected one embedding for each of ", head.size[static_cast<size_t>(axis)], " slices"));
    head.axes.push_back(axis);
    head.embedding = {features.size(1), features.size(2), features.size(3)};
  }
  return head;
}

}  // namespace

EmbeddingHead embedding_head(const SamChoice& choice, const Model& model, const SlicePictures& pictures) {
  const FeatureSpec spec = image_embedding(model.features(), "an embedding");
  const auto cells = std::lround(static_cast<double>(choice.square) / spec.stride[1]);
  const torch::Tensor voxels = pictures.volume().voxels.contiguous();
  EmbeddingHead head;
  head.model = choice.model;
  head.model_hash = weights_hash(model);
  head.image_hash = sha256(std::string_view(static_cast<const char*>(voxels.data_ptr()), voxels.nbytes()));
  head.window = pictures.window();
  head.square = choice.square;
  head.size = pictures.volume().size();
  head.geometry = pictures.volume().geometry;
  head.embedding = {spec.channels, cells, cells};
  return head;
}

EmbeddingWriter::EmbeddingWriter(fs::path file, const EmbeddingHead& head)
    : file_(std::move(file)), part_(file_.string() + ".part"), head_(head) {
  for (const int axis : head_.axes) total_ += head_.size[static_cast<size_t>(axis)];
  const std::string start = start_of_file(head_);
  go_on(start);
  if (done_ > 0) return;
  std::ofstream out(part_, std::ios::binary | std::ios::trunc);
  out << start << std::flush;
  require_written(out.good(), part_);
}

/// Takes over whole slices that an earlier run left.
void EmbeddingWriter::go_on(const std::string& start) {
  std::error_code none;
  const auto size = static_cast<int64_t>(fs::file_size(part_, none));
  const auto head_bytes = static_cast<int64_t>(start.size());
  if (none || size < head_bytes + bytes_per_slice(head_)) return;
  std::string there(start.size(), '\0');
  std::ifstream in(part_, std::ios::binary);
  if (!in.read(there.data(), head_bytes) || there != start) return;
  done_ = std::min(total_, (size - head_bytes) / bytes_per_slice(head_));
  fs::resize_file(part_, static_cast<uintmax_t>(head_bytes + done_ * bytes_per_slice(head_)));
}

std::pair<int, int64_t> EmbeddingWriter::slice(int64_t number) const {
  for (const int axis : head_.axes) {
    const int64_t slices = head_.size[static_cast<size_t>(axis)];
    if (number < slices) return {axis, number};
    number -= slices;
  }
  throw Error("there is no such slice");
}

void EmbeddingWriter::append(const torch::Tensor& embedding) {
  const torch::Tensor values = embedding.to(torch::kCPU, type_of_head(head_)).contiguous();
  if (static_cast<int64_t>(values.nbytes()) != bytes_per_slice(head_))
    throw Error(text("an embedding of shape [", join(embedding.sizes()), "] does not fit the file"));
  std::ofstream out(part_, std::ios::binary | std::ios::app);
  out.write(static_cast<const char*>(values.data_ptr()), static_cast<std::streamsize>(values.nbytes()));
  out.flush();
  require_written(out.good(), part_);
  ++done_;
}

void EmbeddingWriter::finish() {
  if (done_ != total_) throw Error(text("only ", done_, " of ", total_, " slices were embedded"));
  write_file(file_, [&](const fs::path& temporary) { fs::rename(part_, temporary); });
}

EmbeddingFile::EmbeddingFile(const fs::path& file) : file_(file) {
  auto content = map_safetensors(file);
  head_ = head_of(content.metadata, content.tensors, file);
  window_ = content.metadata.at("window");
  tensors_ = std::move(content.tensors);
}

torch::Tensor EmbeddingFile::embedding(int axis, int64_t index) const {
  const auto found = tensors_.find(tensor_name(axis));
  if (found == tensors_.end() || index < 0 || index >= found->second.size(0)) {
    throw DataError(text(file_.string(), " has no embedding of slice ", index, " along axis ", axis,
                         "; `lamina embed --axes` says which are made"));
  }
  return found->second.slice(0, index, index + 1).to(torch::kFloat32);
}

void EmbeddingFile::require(const EmbeddingHead& wanted) const {
  std::vector<std::string> differences;
  const auto same = [&](const std::string& what, const std::string& theirs, const std::string& ours) {
    if (theirs != ours) differences.push_back(text(what, " ", theirs, " instead of ", ours));
  };
  same("the size (z, y, x)", join(head_.size), join(wanted.size));
  if (differences.empty()) same("the image with SHA-256", head_.image_hash, wanted.image_hash);
  same("the model's weights with SHA-256", head_.model_hash, wanted.model_hash);
  same("the grey levels of", window_, to_text(wanted.window));
  same("the encoder's square of", std::to_string(head_.square), std::to_string(wanted.square));
  if (differences.empty()) return;
  throw DataError(text(file_.string(), " was made from something else: ", join(differences, "; "),
                       ". `lamina embed` makes one that fits"));
}

}  // namespace lamina::engine
