#!/usr/bin/env python3
"""Every photo and one slice of every volume set goes through `segment` and `embed` with every backbone that SAM runs on: random weights, so
shapes and geometry are looked at, not sense.

usage: real_pictures_test.py LAMINA [FOLDER for the pictures [BACKBONE ...]]        (LAMINA_DATA names the folder of the sets; exits 77 without it)
"""

import json
import os
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import read_tensors, run

# name -> side of the square for photos, for slices. Large ones see little, so that the test ends.
BACKBONES = {"mobile_sam": (1024, 256), "sam_vit_b": (512, 128), "sam_vit_l": (256, 64), "sam_vit_h": (256, 64), "tiny": (1024, 256), "small": (1024, 256)}
PHOTOS = sorted(f"natural/scenes/{name}.jpg" for name in ("dog", "groceries", "truck"))
# file or folder, axis, options: what lies in each volume set
VOLUMES = [
    ("Dataset004_Hippocampus/imagesTr/hippocampus_001_0000.nii.gz", "z", []),
    ("Dataset027_ACDC/imagesTr/*_0000.nii.gz", "z", ["--neighbours"]),
    ("Dataset038_DSB2018/imagesTr/*_0000.png", "z", []),
    ("Dataset044_MoNuSeg/imagesTr/*_0000.png", "z", []),
    ("dicom_ct/series", "z", ["--window", "40,400"]),
    ("many_labels_ct/example_ct_sm.nii.gz", "y", ["--window", "40,400"]),
    ("nrrd/brain1_image.nrrd", "z", []),
    ("nrrd/breast1_image.nrrd", "z", []),
    ("spinal_cord/t2/t2.nii.gz", "z", []),
    ("spinal_cord/t2s/t2s.nii.gz", "z", ["--percentiles", "1,99"]),
]
EXTENTS = {"z": (1, 2), "y": (0, 2), "x": (0, 1)}  # of [z, y, x], rows and columns of a slice


def png_size(file):
    """Height, width."""
    width, height = struct.unpack(">II", Path(file).read_bytes()[16:24])
    return height, width


def require(condition, what, fact):
    if not condition:
        sys.exit(f"{what}: {fact}")


def model_words(name, folder, number):
    """A name that `segment` knows, or the section of a size that it does not."""
    if name not in ("tiny", "small"):
        return ["--model", name, "--seed", str(number)]
    section = folder / f"{name}.json"
    section.write_text(json.dumps({"encoder": {"type": "sam_vit", "size": name}, "decoder": {"type": "sam_mask"}}))
    return ["--model", section, "--seed", str(number)]


def embedded(lamina, image, axis, words, folder, what):
    """Embeddings of all slices; volume size (z, y, x) from the file's own metadata."""
    file = folder / "embedding.safetensors"
    file.unlink(missing_ok=True)
    run(lamina, "embed", image, *words, "--axes", axis, "--output", file)
    size = json.loads(metadata_of(file)["size"])
    (dtype, shape, data), = read_tensors(file).values()
    index = "zyx".index(axis)
    require(dtype == "F16" and shape[0] == size[index] and len(shape) == 4, what, f"embeddings of {dtype} {shape} for a volume of {size}")
    values = memoryview(data).cast("H")
    require(all(value & 0x7C00 != 0x7C00 for value in values[::101]), what, "an embedding is not finite")
    require(len(set(values[:5000:7])) > 100, what, "an embedding is flat")
    return file, size


def metadata_of(file):
    data = Path(file).read_bytes()
    return json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])["__metadata__"]


def asked(lamina, image, axis, words, folder, picture, what):
    """A box and a point on the middle slice; asked of the image and of its embeddings."""
    embeddings, size = embedded(lamina, image, axis, words, folder, what)
    height, width = (size[extent] for extent in EXTENTS[axis])
    middle = size["zyx".index(axis)] // 2
    question = ["--axis", axis, "--slice", middle, "--point", f"{width // 2},{height // 2}",
                "--box", f"{width // 4},{height // 4},{3 * width // 4},{3 * height // 4}"]
    answers = []
    for more in ([], ["--embeddings", embeddings]):
        coco = folder / "masks.json"
        run(lamina, "segment", image, *words, *question, *more, "--coco", coco, "--overlay", picture)
        answers.append(json.loads(coco.read_text())["annotations"])
    for (one,) in answers:
        require(one["segmentation"]["size"] == [height, width], what, f"a mask of {one['segmentation']['size']} on {height} x {width} pixels")
        require(sum(one["segmentation"]["counts"]) == height * width, what, "the runs of a mask do not fill the slice")
        x, y, w, h = one["bbox"]
        require(0 <= x and 0 <= y and x + w <= width and y + h <= height, what, f"box {one['bbox']} outside {width} x {height}")
    difference = abs(answers[0][0]["predicted_iou"] - answers[1][0]["predicted_iou"])
    require(difference < 0.02 * max(1, abs(answers[0][0]["predicted_iou"])), what, f"an embedding in half precision answers {difference} apart")
    scale = png_size(picture)
    require(scale[0] * width == scale[1] * height, what, f"the picture has {scale} pixels for a slice of {height} x {width}")


def found(data, pattern):
    """The first file of a pattern, which may be a plain name."""
    match = sorted(data.glob(pattern))
    require(match, pattern, f"there is nothing in {data}")
    return match[0]


def main():
    if not os.environ.get("LAMINA_DATA"):
        print("skipped: no real data: set LAMINA_DATA to the folder that holds the sets")
        return 77
    lamina, data = sys.argv[1], Path(os.environ["LAMINA_DATA"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        for number, backbone in enumerate(sys.argv[3:] or BACKBONES):
            photo_side, slice_side = BACKBONES[backbone]
            begin = time.monotonic()
            model = model_words(backbone, folder, number)
            images = [(found(data, photo), "z", [], photo_side) for photo in PHOTOS]
            images += [(found(data, pattern), axis, more, slice_side) for pattern, axis, more in VOLUMES]
            for image, axis, more, side in images:
                words = [*model, *more, "--size", side]
                label = str(image.relative_to(data)).replace("/", "_").split(".")[0]
                asked(lamina, image, axis, words, folder, pictures / f"{backbone}_{label}.png", f"{backbone} on {image.name}")
            print(f"{backbone}: {len(images)} images, {time.monotonic() - begin:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
