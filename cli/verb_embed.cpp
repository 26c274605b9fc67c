// lamina embed: SAM's image embeddings of a volume's slices, once and for all.
#include "heavy.hpp"
#include "sam_options.hpp"

#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"
#include "engine/segment/embedding_file.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>
#include <lamina/segment/predictor.hpp>

#include <algorithm>
#include <set>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

std::vector<int> axes_of(const std::string& words) {
  std::set<int> axes;
  for (const auto& word : split(words, ',')) axes.insert(engine::axis_of(word));
  return {axes.begin(), axes.end()};
}

std::string dtype_of(const po::variables_map& arguments) {
  const std::string dtype = word_of(arguments, "dtype");
  if (dtype == "f16" || dtype == "f32") return dtype;
  throw ConfigError(text("--dtype is '", dtype, "'; expected f16 or f32"));
}

void write_slices(engine::EmbeddingWriter& writer, const engine::SlicePictures& pictures, Predictor& predictor) {
  if (writer.done() > 0) log_info(text("goes on behind slice ", writer.done(), " of an earlier run"));
  engine::Progress progress("embedding", writer.total(), "slices");
  progress.update(writer.done());
  while (writer.done() < writer.total()) {
    if (engine::interrupt_requested())
      throw Interrupted(text("stopped after ", writer.done(), " of ", writer.total(),
                             " slices; the same command goes on from there"));
    const auto [axis, index] = writer.slice(writer.done());
    predictor.set_image(pictures.picture(axis, index));
    writer.append(predictor.embedding());
    progress.update(writer.done());
  }
}

int embed(const po::variables_map& arguments) {
  engine::install_interrupt_handlers();
  const auto registry = open_registry();
  const fs::path output = word_of(arguments, "output");
  const engine::SlicePictures pictures(read_image(word_of(arguments, "image")), window_of(arguments));
  const engine::SamChoice choice = sam_choice(arguments);
  const auto model = engine::open_sam(choice, *registry);
  engine::EmbeddingHead head = engine::embedding_head(choice, *model, pictures);
  head.image = word_of(arguments, "image");
  head.dtype = dtype_of(arguments);
  head.axes = axes_of(word_of(arguments, "axes"));
  Predictor predictor(model);
  engine::EmbeddingWriter writer(output, head);
  write_slices(writer, pictures, predictor);
  writer.finish();
  ConfigNode node = ConfigNode::object();
  node.set("output", output.string());
  node.set("slices", writer.total());
  node.set("bytes", static_cast<int64_t>(fs::file_size(output)));
  print(arguments, node,
        text(writer.total(), " embeddings of [", join(head.embedding), "] in ", output.string(), ", ",
             human_bytes(static_cast<int64_t>(fs::file_size(output))), "\n"));
  return 0;
}

}  // namespace

Verb embed_verb() {
  return {"embed",
          "SAM's image embeddings of every slice of a volume in one file, for `segment --embeddings`",
          "lamina embed IMAGE --weights FILE --output FILE.safetensors [--axes z,y,x] [--dtype f16]",
          "lamina embed volume.nii.gz --seed 1 --size 256 --axes z --output volume.safetensors",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("image", po::value<std::string>()->required(), "a volume, a picture, or a folder of DICOM slices");
            add("output", po::value<std::string>()->required()->value_name("FILE"), "safetensors to write");
            add("axes", po::value<std::string>()->value_name("AXES")->default_value("z"),
                "slices along these axes: z, or z,y,x");
            add("dtype", po::value<std::string>()->value_name("TYPE")->default_value("f16"),
                "f16 (half the size) or f32");
            declare_window(options);
            declare_sam(options);
            declare_json(options);
            positional.add("image", 1);
          },
          embed};
}

}  // namespace lamina::cli
