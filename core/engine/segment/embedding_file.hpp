// Embeddings of a volume's slices in one safetensors file: made once, asked often, never loaded as a whole.
//   axis0/features [slices, E, g, g], axis1/..., axis2/...: along z, y, x; metadata says what they are of.
#pragma once

#include "engine/segment/sam_model.hpp"
#include "engine/segment/slice_pictures.hpp"

#include <lamina/data/tensors.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

/// What a file of embeddings is of; all of it stands in the file's metadata.
struct EmbeddingHead {
  std::string model, model_hash;  ///< name or file; weights_hash()
  std::string image, image_hash;  ///< file; SHA-256 of the voxels as float32
  GreyWindow window;
  int64_t square = 1024;
  std::string dtype = "f16";  ///< or f32
  std::vector<int> axes{0};
  Size3 size{};                        ///< of the volume, z, y, x
  Geometry geometry;                   ///< of the volume; spacing, origin and direction are kept
  std::array<int64_t, 3> embedding{};  ///< channels, rows, columns
};

/// The head of embeddings that this model makes of these slices along z, in f16; the image's name is left out.
EmbeddingHead embedding_head(const SamChoice& choice, const Model& model, const SlicePictures& pictures);

/// Grows FILE.part slice by slice; finish() makes it FILE. A part that was left by a run of the same head is gone on
/// with.
class EmbeddingWriter {
 public:
  /// StorageError where nothing can be written.
  EmbeddingWriter(std::filesystem::path file, const EmbeddingHead& head);
  int64_t done() const { return done_; }    ///< slices that are in the part already
  int64_t total() const { return total_; }  ///< of all axes
  /// Axis and index of slice `number`.
  std::pair<int, int64_t> slice(int64_t number) const;
  /// embedding [1, E, g, g] of slice `done()`.
  void append(const torch::Tensor& embedding);
  void finish();

 private:
  void go_on(const std::string& start);

  std::filesystem::path file_, part_;
  EmbeddingHead head_;
  int64_t done_ = 0, total_ = 0;
};

class EmbeddingFile {
 public:
  /// Maps the file. DataError where it is damaged or holds no embeddings.
  explicit EmbeddingFile(const std::filesystem::path& file);
  const EmbeddingHead& head() const { return head_; }  ///< without `window`
  /// float32 [1, E, g, g]. DataError where the file has no such slice.
  torch::Tensor embedding(int axis, int64_t index) const;
  /// DataError naming everything in which the file is of something else: image, model, window, square.
  void require(const EmbeddingHead& wanted) const;

 private:
  std::filesystem::path file_;
  EmbeddingHead head_;  // without its window
  std::string window_;
  TensorDict tensors_;
};

}  // namespace lamina::engine
