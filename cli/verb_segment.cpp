// lamina segment: masks for points, boxes and masks, or for everything in an image.
#include "heavy.hpp"
#include "sam_options.hpp"

#include "engine/experiment/experiment.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"
#include "engine/segment/draw_masks.hpp"
#include "engine/segment/embedding_file.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>
#include <lamina/segment/mask_generator.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include <torch/utils.h>

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// What is wanted of every slice.
struct Task {
  std::vector<std::array<double, 3>> points;  // x, y, 1 object or 0 background
  std::vector<std::array<double, 4>> boxes;
  std::string mask;
  bool multimask = false, everything = false;
  MaskGeneratorOptions generator;
};

/// Masks of one slice, the first is drawn below the others.
struct SliceMasks {
  int64_t slice = 0;
  std::vector<FoundMask> found;
};

Task task_of(const po::variables_map& arguments) {
  Task task;
  for (const auto& words : words_of(arguments, "point")) {
    const auto numbers = numbers_of(words, "--point", {2, 3});
    const double label = numbers.size() == 3 ? numbers[2] : 1;
    if (label != 0 && label != 1)
      throw ConfigError(
          text("--point ", words, ": the third number is ", label, "; expected 1 (object) or 0 (background)"));
    task.points.push_back({numbers[0], numbers[1], label});
  }
  for (const auto& words : words_of(arguments, "box")) {
    const auto numbers = numbers_of(words, "--box", {4});
    if (numbers[2] < numbers[0] || numbers[3] < numbers[1])
      throw ConfigError(text("--box ", words, ": expected x0,y0,x1,y1, upper left corner first"));
    task.boxes.push_back({numbers[0], numbers[1], numbers[2], numbers[3]});
  }
  task.mask = word_of(arguments, "mask");
  task.multimask = arguments.contains("multimask");
  task.everything = arguments.contains("everything");
  if (task.everything && arguments.contains("embeddings"))
    throw ConfigError("--everything encodes the image and its parts itself; leave --embeddings out");
  const bool prompted = !task.points.empty() || !task.boxes.empty() || !task.mask.empty();
  if (prompted == task.everything)
    throw ConfigError(prompted
                          ? "--everything asks a grid of its own; leave --point, --box and --mask out"
                          : "what shall be segmented? Give --point x,y, --box x0,y0,x1,y1 or --mask FILE (together "
                            "they mean one object; several boxes one object each), or --everything");
  if (task.boxes.size() > 1 && (!task.points.empty() || !task.mask.empty()))
    throw ConfigError(
        "several boxes are an object each, and points or a mask could belong to any; give one box with them");
  return task;
}

void read_generator(Task& task, const po::variables_map& arguments) {
  ConfigNode node = ConfigNode::object();
  for (const auto& word : words_of(arguments, "set")) {
    if (!task.everything)
      throw ConfigError("--set changes how --everything looks for masks; prompts have no such options");
    const auto one = engine::parse_override(word);
    node.set(one.path, one.value);
  }
  OptionErrors errors;
  parse_options(task.generator, node, "--set", errors);
  errors.throw_if_any("the options of --everything are wrong:");
}

torch::Tensor rows(const std::vector<double>& values, std::vector<int64_t> shape) {
  return torch::tensor(values, torch::kFloat64).to(torch::kFloat32).view(shape);
}

void require_inside(const Task& task, const ImageFrame& frame) {
  const auto outside = [&](double x, double y) {
    return x < 0 || y < 0 || x >= static_cast<double>(frame.width()) || y >= static_cast<double>(frame.height());
  };
  for (const auto& point : task.points) {
    if (outside(point[0], point[1]))
      throw ConfigError(text("--point ", point[0], ",", point[1], " lies outside the slice, which has ", frame.width(),
                             " x ", frame.height(), " pixels (x, y)"));
  }
  for (const auto& box : task.boxes) {
    if (outside(box[0], box[1]))
      throw ConfigError(text("--box ", join(box, ","), " begins outside the slice, which has ", frame.width(), " x ",
                             frame.height(), " pixels (x, y)"));
  }
}

/// One prompt of all points, the box and the mask, or one for each box.
Prompts prompts_of(const Task& task, const Predictor& predictor) {
  const ImageFrame& frame = predictor.frame();
  require_inside(task, frame);
  Prompts prompts;
  prompts.multimask = task.multimask;
  if (!task.points.empty()) {
    std::vector<double> positions;
    std::vector<int64_t> labels;
    for (const auto& point : task.points) {
      positions.insert(positions.end(), {point[0], point[1]});
      labels.push_back(static_cast<int64_t>(point[2]));
    }
    prompts.points = rows(positions, {1, std::ssize(task.points), 2});
    prompts.point_labels = torch::tensor(labels).unsqueeze(0);
  }
  if (!task.boxes.empty()) {
    std::vector<double> corners;
    for (const auto& box : task.boxes) corners.insert(corners.end(), box.begin(), box.end());
    prompts.boxes = rows(corners, {std::ssize(task.boxes), 4});
  }
  if (!task.mask.empty()) {
    const Volume mask = read_labels(task.mask);
    if (mask.voxels.size(1) != 1 || mask.voxels.size(2) != frame.height() || mask.voxels.size(3) != frame.width())
      throw DataError(text(task.mask, " has [", join(mask.size()), "] pixels (z, y, x); expected one slice of ",
                           frame.height(), " x ", frame.width(), ", as the image's"));
    prompts.mask_logits = frame.mask_prompt(mask.voxels[0][0] > 0, predictor.mask_cells());
  }
  return prompts;
}

/// The best mask of each prompt.
std::vector<FoundMask> prompted(Predictor& predictor, const Prompts& prompts) {
  const PromptedMasks masks = predictor.predict(prompts);
  std::vector<FoundMask> all;
  for (int64_t row = 0; row < masks.quality.size(0); ++row) {
    const int64_t best = masks.quality[row].argmax().item<int64_t>();
    FoundMask one = found_mask(masks.logits[row][best] > 0);
    one.quality = masks.quality[row][best].item<double>();
    all.push_back(std::move(one));
  }
  return all;
}

ConfigNode list_of(const auto& values) {
  ConfigNode list = ConfigNode::parse("[" + join(values) + "]");
  return list;
}

ConfigNode to_node(const FoundMask& one, int64_t slice, int64_t number, bool everything) {
  ConfigNode node = ConfigNode::object(), segmentation = ConfigNode::object();
  segmentation.set("size", list_of(std::array{one.mask.height, one.mask.width}));
  segmentation.set("counts", list_of(one.mask.counts));
  node.set("id", number);
  node.set("image_id", slice);
  node.set("category_id", int64_t{1});
  node.set("iscrowd", int64_t{1});
  node.set("segmentation", std::move(segmentation));
  node.set("area", one.area);
  node.set("bbox", list_of(one.box));
  node.set("predicted_iou", one.quality);
  if (!everything) return node;
  node.set("stability_score", one.stability);
  node.set("point_coords", list_of(one.point));
  node.set("crop_box", list_of(one.crop));
  return node;
}

/// COCO's object format; the runs are lists, as COCO allows for crowds.
ConfigNode coco_of(const std::vector<SliceMasks>& slices, const std::string& image, bool everything) {
  ConfigNode node = ConfigNode::object(), images = ConfigNode::array(), annotations = ConfigNode::array(),
             categories = ConfigNode::array(), category = ConfigNode::object();
  int64_t number = 0;
  for (const auto& slice : slices) {
    ConfigNode entry = ConfigNode::object();
    entry.set("id", slice.slice);
    entry.set("file_name", image);
    if (!slice.found.empty()) {
      entry.set("height", slice.found.front().mask.height);
      entry.set("width", slice.found.front().mask.width);
    }
    images.push_back(std::move(entry));
    for (const auto& one : slice.found) annotations.push_back(to_node(one, slice.slice, ++number, everything));
  }
  category.set("id", int64_t{1});
  category.set("name", "object");
  categories.push_back(std::move(category));
  node.set("images", std::move(images));
  node.set("annotations", std::move(annotations));
  node.set("categories", std::move(categories));
  return node;
}

/// Label map on the image's own grid: 1, 2, ... by mask. Where masks overlap, the smaller one is seen.
Volume label_map(const std::vector<SliceMasks>& slices, int axis, const Volume& image) {
  Volume labels;
  labels.geometry = image.geometry;
  labels.voxels = torch::zeros({1, image.voxels.size(1), image.voxels.size(2), image.voxels.size(3)}, torch::kInt64);
  for (const auto& slice : slices) {
    torch::Tensor plane = labels.voxels[0].select(axis, slice.slice);
    std::vector<size_t> order(slice.found.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return slice.found[a].area > slice.found[b].area; });
    for (const size_t i : order) plane.masked_fill_(decode_rle(slice.found[i].mask), static_cast<int64_t>(i + 1));
  }
  return labels;
}

std::vector<int64_t> slices_of(const po::variables_map& arguments, const engine::SlicePictures& pictures, int axis) {
  const std::string words = word_of(arguments, "slice");
  const int64_t count = pictures.count(axis);
  std::vector<int64_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), int64_t{0});
  if (words == "all") return all;
  if (words.empty() && count == 1) return {0};
  if (words.empty())
    throw ConfigError(text("the image has ", count, " slices along ", word_of(arguments, "axis"),
                           "; give --slice N (0 to ", count - 1, ") or --slice all"));
  const double number = numbers_of(words, "--slice", {1})[0];
  if (number < 0 || number >= static_cast<double>(count) || number != static_cast<double>(static_cast<int64_t>(number)))
    throw ConfigError(text("--slice ", words, ": expected 0 to ", count - 1, ", or all"));
  return {static_cast<int64_t>(number)};
}

/// pictures/name_012.png when there are several slices.
fs::path overlay_file(const std::string& given, int64_t slice, size_t slices) {
  const fs::path file = given;
  if (slices == 1) return file;
  std::string number = std::to_string(slice);
  number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
  return file.parent_path() / (file.stem().string() + "_" + number + file.extension().string());
}

void stop_if_asked() {
  if (engine::interrupt_requested())
    throw Interrupted("stopped before all was done; there is no label map, and overlays only of the slices that were");
}

class Segmentation {
 public:
  Segmentation(const po::variables_map& arguments, const Registry& registry)
      : arguments_(arguments),
        task_(task_of(arguments)),
        image_(word_of(arguments, "image")),
        axis_(engine::axis_of(word_of(arguments, "axis"))) {
    read_generator(task_, arguments);
    pictures_.emplace(read_image(image_), window_of(arguments));
    slices_ = slices_of(arguments, *pictures_, axis_);
    const engine::SamChoice choice = sam_choice(arguments);
    const auto model = engine::open_sam(choice, registry);
    predictor_.emplace(model);
    if (!arguments.contains("embeddings")) return;
    embeddings_.emplace(word_of(arguments, "embeddings"));
    embeddings_->require(engine::embedding_head(choice, *model, *pictures_));
  }

  void run() {
    engine::Progress progress("segmenting", std::ssize(slices_), "slices");
    progress.update(0);
    for (const int64_t slice : slices_) {
      stop_if_asked();
      const torch::Tensor rgb = pictures_->picture(axis_, slice);
      results_.push_back({slice, task_.everything ? everything(rgb) : answers(rgb, slice)});
      draw(rgb, results_.back());
      progress.update(std::ssize(results_));
    }
    save();
  }

  void report() const {
    const ConfigNode node = coco_of(results_, image_, task_.everything);
    std::vector<std::vector<std::string>> lines{{"slice", "mask", "pixels", "box (x, y, w, h)", "predicted IoU"}};
    for (const auto& slice : results_) {
      for (size_t i = 0; i < slice.found.size(); ++i) {
        const FoundMask& one = slice.found[i];
        lines.push_back({std::to_string(slice.slice), std::to_string(i + 1), std::to_string(one.area), join(one.box),
                         text(one.quality)});
      }
    }
    print(arguments_, node, lines.size() > 1 ? table(lines) : "no masks\n");
  }

 private:
  std::vector<FoundMask> everything(const torch::Tensor& rgb) {
    std::optional<engine::Progress> progress;
    return generate_masks(*predictor_, rgb, task_.generator, [&](int64_t done, int64_t total) {
      stop_if_asked();
      if (!progress) progress.emplace("asking", total, "points");
      progress->update(done);
    });
  }

  std::vector<FoundMask> answers(const torch::Tensor& rgb, int64_t slice) {
    if (embeddings_) {
      predictor_->set_embedding(embeddings_->embedding(axis_, slice), rgb.size(1), rgb.size(2));
    } else {
      predictor_->set_image(rgb);
    }
    prompts_ = prompts_of(task_, *predictor_);
    return prompted(*predictor_, prompts_);
  }

  void draw(const torch::Tensor& rgb, const SliceMasks& result) const {
    const std::string overlay = word_of(arguments_, "overlay");
    if (overlay.empty()) return;
    std::vector<torch::Tensor> masks;
    for (const auto& one : result.found) masks.push_back(decode_rle(one.mask));
    const fs::path file = overlay_file(overlay, result.slice, slices_.size());
    if (file.has_parent_path()) make_folder(file.parent_path());
    write_file(file, encode_png(engine::draw_masks(rgb, masks, prompts_)));
  }

  void save() const {
    const std::string output = word_of(arguments_, "output"), coco = word_of(arguments_, "coco");
    if (!output.empty()) write_labels(output, label_map(results_, axis_, pictures_->volume()));
    if (!coco.empty()) write_file(coco, coco_of(results_, image_, task_.everything).dump() + "\n");
  }

  const po::variables_map& arguments_;
  Task task_;
  std::string image_;
  int axis_;
  std::optional<engine::SlicePictures> pictures_;
  std::vector<int64_t> slices_;
  std::optional<Predictor> predictor_;
  std::optional<engine::EmbeddingFile> embeddings_;
  std::vector<SliceMasks> results_;
  Prompts prompts_;
};

int segment(const po::variables_map& arguments) {
  engine::install_interrupt_handlers();
  const auto registry = open_registry();
  Segmentation work(arguments, *registry);
  work.run();
  work.report();
  return 0;
}

}  // namespace

Verb segment_verb() {
  return {
      "segment",
      "masks for points, boxes and masks with SAM, or for everything in an image",
      "lamina segment IMAGE --weights FILE (--point X,Y | --box X0,Y0,X1,Y1 | --mask FILE | --everything) "
      "[--output FILE] [--overlay FILE.png]",
      "lamina segment truck.jpg --seed 1 --size 256 --point 500,375 --overlay truck.png",
      [](po::options_description& options, po::positional_options_description& positional) {
        auto add = options.add_options();
        add("image", po::value<std::string>()->required(), "a picture, a volume, or a folder of DICOM slices");
        add("point", po::value<std::vector<std::string>>()->value_name("X,Y[,0]")->composing(),
            "a pixel of the object, counted from 0; with a third number 0 one of the background; may be given again");
        add("box", po::value<std::vector<std::string>>()->value_name("X0,Y0,X1,Y1")->composing(),
            "a box around an object; may be given again, one mask each");
        add("mask", po::value<std::string>()->value_name("FILE"), "a rough mask of the object, of the slice's size");
        add("multimask", "let the model answer with three masks, and take the one it thinks best");
        add("everything", "ask a grid of points and keep good, stable, different masks");
        add("set", po::value<std::vector<std::string>>()->value_name("OPTION=VALUE")->composing(),
            "for --everything: points=32, batch, quality=0.88, stability=0.95, stability_offset, overlap=0.7, "
            "crop_layers=0, crop_downscale, crop_overlap, crop_nms, min_area=0");
        add("axis", po::value<std::string>()->value_name("AXIS")->default_value("z"), "slices lie along z, y or x");
        add("slice", po::value<std::string>()->value_name("N"), "of a volume: a slice, counted from 0, or all");
        declare_window(options);
        add("embeddings", po::value<std::string>()->value_name("FILE"),
            "what `lamina embed` made of this image: the encoder does not run");
        add("output", po::value<std::string>()->value_name("FILE"), "label map on the image's grid: 1, 2, ... by mask");
        add("overlay", po::value<std::string>()->value_name("FILE.png"),
            "masks and prompts over the image; one file a slice");
        add("coco", po::value<std::string>()->value_name("FILE.json"), "masks as COCO's run lengths");
        declare_sam(options);
        declare_json(options);
        positional.add("image", 1);
      },
      segment};
}

}  // namespace lamina::cli
