#!/usr/bin/env python3
"""What a small MaskSAM meets: other numbers of classes, thin volumes, few queries, empty labels, weights of another size. It
goes on where that is right, and says in words why not where it is not.

usage: masksam_input_test.py LAMINA
"""

import json
import sys
import tempfile
from pathlib import Path

from sandbox import EXPERIMENT, RECORDS, Sandbox, ball, run_cases, write_volume

MODEL = {
    "encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 8, "depth": 1, "heads": 2, "patch_size": 4, "window": 2, "global_blocks": [0],
                "out_channels": 8},
    "adapters": [{"id": "stem", "type": "conv_stem", "at": ["encoder.image"]},
                 {"id": "depth", "type": "depth_conv", "at": ["encoder.blocks.*.attn.out"]}],
    "prompter": {"type": "masksam", "queries": 4, "channels": [8, 8, 4], "mask_prompt": "soft"},
    "decoder": {"type": "mask_classifier", "background": "ignore", "heads": 2, "mlp_channels": 16, "upscale_channels": [4, 4]},
}
MASKSAM = EXPERIMENT | {
    "name": "masksam", "model": MODEL,
    "train": EXPERIMENT["train"] | {"trainable": ["**"], "patch": [4, 16, 16], "iterations": 2},
    "loss": {"type": "set_match", "background": "ignore", "points": 0},
}


def write(box, **changes):
    (box.folder / "masksam.json").write_text(json.dumps(MASKSAM | changes))


def trains(box, says=()):
    """The whole way to scores of the test case; `says` are warnings."""
    done = box.call("ablate", "masksam.json", "--in-process")
    problems = [] if done.returncode == 0 else [f"exit {done.returncode}"]
    problems += [f"does not say '{word}'" for word in says if word not in done.stderr]
    if "nan" in done.stderr:
        problems.append("a loss is no number")
    if not list(box.folder.glob("runs/masksam/*/predictions/*.nii.gz")):
        problems.append("no prediction")
    box.note(("ablate", "masksam.json"), problems, done)


def checkpoint_of(box):
    run = next(path for path in (box.folder / "runs" / "masksam").iterdir() if (path / "checkpoints").is_dir())
    return run / "checkpoints" / (run / "checkpoints" / "last").read_text().strip()


def add_a_class(box):
    dataset = json.loads((box.data / "dataset.json").read_text())
    dataset["labels"]["shell"] = 2
    (box.data / "dataset.json").write_text(json.dumps(dataset))


def other_classes(box):
    write(box)
    trains(box)
    kept = box.folder / "kept.safetensors"
    kept.write_bytes(checkpoint_of(box).read_bytes())
    add_a_class(box)
    write(box, weights=[{"file": "kept.safetensors"}])
    box.refuses(2, "train", "masksam.json", says=["was trained for 2 classes and the dataset has 3"], leaves=RECORDS)
    box.refuses(2, "check", "masksam.json", says=["was trained for 2 classes and the dataset has 3"])


def weights_of_another_size(box):
    write(box)
    trains(box)
    kept = box.folder / "kept.safetensors"
    kept.write_bytes(checkpoint_of(box).read_bytes())
    wider = MODEL | {"encoder": MODEL["encoder"] | {"embed_dim": 16}}
    write(box, model=wider, weights=[{"file": "kept.safetensors"}])
    box.refuses(2, "check", "masksam.json", says=["shapes in kept.safetensors differ", "model [16", "more"])


def thin_volumes(box):
    for number in range(4):
        label = ball(number)
        write_volume(box.label(number), lambda z, y, x: label(z + 3, y, x), (2, 24, 24))
        write_volume(box.image(number), lambda z, y, x: 50 * label(z + 3, y, x) + x % 5, (2, 24, 24))
    write(box)
    trains(box)


def fewer_queries_than_classes(box):
    add_a_class(box)
    for number in range(4):
        label = ball(number)
        write_volume(box.label(number), lambda z, y, x: 2 * label(z, y, x) if x > 12 else label(z, y, x))
    write(box, model=MODEL | {"prompter": MODEL["prompter"] | {"queries": 1}})
    trains(box, says=["a slice holds more classes than the 1 quer"])


def nothing_but_background(box):
    for number in range(4):
        write_volume(box.label(number), lambda z, y, x: 0.0)
    write(box)
    trains(box)


def a_patch_that_is_no_grid(box):
    write(box, train=MASKSAM["train"] | {"patch": [4, 18, 16]})
    box.refuses(2, "check", "masksam.json", says=["train.patch: 18 along y is not divisible by model.encoder.patch_size 4"])


CASES = [other_classes, weights_of_another_size, thin_volumes, fewer_queries_than_classes, nothing_but_background, a_patch_that_is_no_grid]


def main():
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        return run_cases(CASES, Sandbox.make(sys.argv[1], scratch / "original"), scratch)


if __name__ == "__main__":
    sys.exit(main())
