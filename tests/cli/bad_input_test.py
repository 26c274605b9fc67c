#!/usr/bin/env python3
"""Bad files and bad words, one case each: the program names the thing, ends with 2 and leaves nothing half done.

usage: bad_input_test.py LAMINA
"""

import gzip
import json
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path

from sandbox import RECORDS, Sandbox, ball, run_cases, write_floats, write_volume


def words_that_do_not_exist(box):
    box.refuses(2, "trian", "dots.json", says=["there is no verb 'trian'", "did you mean 'train'?"])
    box.refuses(2, "train", "dots.json", "--run", "x", says=["there is no option '--run'", "did you mean '--runs'?"])
    box.refuses(2, "train", says=["'experiment' is missing", "usage: lamina train"])
    box.refuses(2, "weights", says=["'lamina weights' needs one more word", "lamina weights inspect"])


def experiments_that_do_not_exist(box):
    box.refuses(2, "train", "phantm", says=["there is no experiment or study 'phantm'", "did you mean 'phantom'?"])
    box.refuses(2, "train", "./dotz.json", says=["there is no file './dotz.json'", "did you mean 'dots.json'?"])


def damaged_json(box):
    box.experiment.write_text('{"schema": 1,\n "name": "dots"\n "seed": 1}')
    box.refuses(2, "config", "resolve", "dots.json", says=["dots.json:3:"])
    box.experiment.write_text('{"schema": 1, "seed": 1, "seed": 2}')
    box.refuses(2, "config", "resolve", "dots.json", says=["dots.json", "'seed' is given twice"])


def wrong_settings_are_all_named_at_once(box):
    box.refuses(2, "train", "dots.json", "--set", "train.epochs=many", "--set", "model.encoder.chanels=[4]", "--set",
                "loss.type=dice_cee", "--set", "train.batch=0",
                says=["train.epochs", "expected an integer", "many", "chanels", "did you mean 'channels'?", "dice_cee",
                      "did you mean 'dice_ce'?", "train.batch"])
    box.refuses(2, "train", "dots.json", "--set", "train.epoch=3", says=["train.epoch", "did you mean"])
    box.refuses(2, "train", "dots.json", "--set", "train.epochs", says=["train.epochs", "expected path=value"])


def globs_that_match_nothing(box):
    box.refuses(2, "check", "dots.json", "--set", 'train.trainable=["encodr.**"]',
                says=["train.trainable", "encodr.**", "matches no"])
    box.refuses(2, "check", "dots.json", "--set",
                'model.adapters=[{"id": "depth", "type": "depth_conv", "at": ["encoder.blocks.*.out"]}]',
                says=["depth", "encoder.blocks.*.out", "matches no"])


def foreign_plugins(box):
    """A plugin of another torch: a real one whose stamp says so, under a component's name that nobody else has."""
    folder = box.folder / "plugins"
    folder.mkdir()
    own = box.lamina.resolve().parents[1] / "lib" / "lamina" / "plugins" / "lamina_adapter_depth_conv.so"
    stamp = own.read_bytes()
    torch = stamp.split(b"\ntorch=", 1)[1].split(b"\n", 1)[0]
    older = torch.replace(b"2", b"1", 1)
    (folder / "lamina_adapter_depth_cone.so").write_bytes(
        stamp.replace(b"depth_conv", b"depth_cone").replace(b"\ntorch=" + torch, b"\ntorch=" + older))
    (folder / "lamina_adapter_letter.so").write_text("Dear lamina,\n")
    for name, reason in (("depth_cone", f"was built with torch {older.decode()}, this lamina with"),
                         ("letter", "is no shared library")):
        box.refuses(2, "check", "dots.json", "--plugin-path", folder, "--set",
                    f'model.adapters=[{{"type": "{name}", "at": ["encoder.**"]}}]',
                    says=[f"the adapter '{name}' comes from a plugin that cannot be used", f"lamina_adapter_{name}.so",
                          reason])
    box.refuses(2, "check", "dots.json", "--plugin-path", "nowhere", says=["nowhere", "there is no such folder"])


def missing_data(box):
    box.label(1).unlink()
    box.refuses(2, "train", "dots.json", says=["Dataset900_Dots", "is incomplete", "labelsTr/case_1.nii.gz"])
    box.refuses(2, "train", "dots.json", "--set", "dataset.root=Dataset901", says=["'Dataset901' was not found; looked for"])
    (box.data / "dataset.json").unlink()
    box.refuses(2, "data", "check", "dots.json", says=["has no dataset.json", "nnU-Net's raw layout"])


def wrong_splits(box):
    def split(**parts):
        return "dataset.split=" + json.dumps(parts)

    box.refuses(2, "train", "dots.json", "--set", split(preset="synapse_18_21"),
                says=["dataset.split.preset", 'got \"synapse_18_21\"', "did you mean 'synapse_18_12'"])
    box.refuses(2, "train", "dots.json", "--set", split(preset="synapse_18_12"),
                says=["Dataset900_Dots lacks 27 of its 30 cases: case0004, case0005", "case0040", "last number"])
    box.refuses(2, "train", "dots.json", "--set", split(preset="acdc_70_10_20", test=0.2), says=["leave out file, nnunet_fold and test"])
    (box.folder / "splits.json").write_text('[{"train": ["case_0"], "val": ["case_1"], "test": ["case_1", "case_2"]}]')
    box.reports(0, "data", "check", "dots.json", "--set", split(file="splits.json"),
                says=["warning: validation and test intersect: 1 case; the chosen checkpoint has seen them",
                      "warning: 1 case is in no part of the split: case_3"])
    box.reports(2, "data", "check", "dots.json", "--set", split(file="splits.json"), "--set", "dataset.group=^(case)",
                says=["error: training and test intersect: other cases of 1 patient (case); the model has learned from them"])


def spoil_all_cases(box):
    """Each case has a fault of its own; returns them as (case, words)."""
    write_volume(box.image(0), lambda z, y, x: math.nan if (z, y, x) == (1, 2, 3) else z)
    whole = box.image(1).read_bytes()
    box.image(1).write_bytes(whole[:len(whole) // 2])
    label = ball(2)
    write_volume(box.label(2), lambda z, y, x: 7.0 if (z, y, x) == (0, 0, 0) else label(z, y, x))
    write_volume(box.label(3), ball(3), (8, 24, 20))
    return [(0, ["case_0_0000.nii.gz", "1 of 4608 voxels is NaN or infinite"]),
            (1, ["case_1_0000.nii.gz", "truncated"]),
            (2, ["'case_2'", "found 7 in", "labelsTr/case_2.nii.gz (1 voxel); declared 0..1"]),
            (3, ["'case_3'", "labelsTr/case_3.nii.gz has 8 x 24 x 20 voxels", "case_3_0000.nii.gz has 8 x 24 x 24"])]


def data_check_lists_every_fault(box):
    faults = spoil_all_cases(box)
    box.reports(2, "data", "check", "dots.json",
                says=[word for _, words in faults for word in words] + ["4 errors"])


def training_meets_a_bad_case(box):
    """Every fault in turn, in a case that training reads."""
    good = box.folder / "good"
    shutil.copytree(box.data, good)
    for number, words in spoil_all_cases(box):
        bad = box.folder / "bad"
        shutil.copytree(good, bad)
        for folder in ("imagesTr", "labelsTr"):
            for file in (box.data / folder).glob(f"case_{number}*"):
                shutil.copy(file, bad / folder)
        box.forget_runs()
        splits = box.folder / "splits.json"
        others = [f"case_{other}" for other in range(4) if other != number]
        splits.write_text(f'[{{"train": ["case_{number}", "{others[0]}"], "val": ["{others[1]}"], '
                          f'"test": ["{others[2]}"]}}]')
        box.refuses(2, "train", "dots.json", "--set", "dataset.root=bad", "--set", "~dataset.split", "--set",
                    "dataset.split.file=splits.json", says=words, leaves=RECORDS)
        shutil.rmtree(bad)


def an_image_that_is_text(box):
    box.image(0).write_bytes(gzip.compress(b"Dear lamina,\n" * 40))
    box.forget_runs()
    box.refuses(2, "train", "dots.json", says=["case_0_0000.nii.gz", "not a NIfTI file"], leaves=RECORDS)


def models_that_cannot_predict(box):
    predict = ("predict", "--input", box.data / "imagesTr", "--output", box.folder / "masks")
    box.refuses(2, *predict, "nowhere.safetensors", says=["there is no checkpoint nowhere.safetensors"])
    box.refuses(2, *predict, "phantom", says=["has no trained model yet", "lamina train"])
    box.refuses(2, "predict", box.run_folder, "--input", box.data, says=["--input and --output go together"])
    whole = box.checkpoint.read_bytes()
    box.checkpoint.write_bytes(whole[:len(whole) - 100])
    box.refuses(2, *predict, box.run_folder, says=[box.checkpoint.name, "truncated"])
    box.checkpoint.write_text("Dear lamina,\n" * 40)
    box.refuses(2, *predict, box.run_folder, says=[box.checkpoint.name])
    write_floats(box.checkpoint, weight=([2], [1, 2]))
    box.refuses(2, *predict, box.checkpoint, says=[box.checkpoint.name, "is no checkpoint of lamina"])


def images_that_cannot_be_predicted(box):
    empty, images = box.folder / "empty", box.folder / "images"
    empty.mkdir(), images.mkdir()
    predict = ("predict", box.run_folder, "--output", box.folder / "masks", "--input")
    box.refuses(2, *predict, empty, says=["empty", "holds no images"])
    box.refuses(2, *predict, box.folder / "nowhere", says=["there is no file or folder", "nowhere"])
    box.refuses(2, *predict, box.experiment, says=["dots.json", "is no image that lamina reads"])
    # One case of two is bad: the other one is predicted, and the exit code says that not all is well.
    shutil.copy(box.image(0), images / "good_0000.nii.gz")
    (images / "bad_0000.nii.gz").write_bytes(box.image(1).read_bytes()[:300])
    masks = box.folder / "masks"
    box.refuses(1, *predict, images, says=["bad_0000.nii.gz", "truncated"], leaves=["masks/good.nii.gz"],
                results=f"1 of 2 cases predicted in {masks}\n")


def scores_of_what_does_not_fit(box):
    masks = box.folder / "masks"
    evaluate = ("evaluate", masks, "--references", box.data / "labelsTr", "--metric")
    box.refuses(2, *evaluate, "dice", says=["masks is no folder"])
    shutil.copytree(box.data / "labelsTr", masks)
    box.refuses(2, *evaluate, "dise", says=["dise", "did you mean 'dice'?"])
    box.refuses(2, "evaluate", masks, says=["either --references FOLDER or --experiment EXPERIMENT"])
    box.refuses(2, *evaluate, "dice", "--empty", "nnunt", says=["nnunt", "did you mean 'nnunet'?"])
    (masks / "case_3.nii.gz").unlink()
    box.refuses(2, *evaluate, "dice", says=["case_3", "--allow-missing"])
    write_volume(masks / "case_3.nii.gz", ball(3), (8, 24, 20))
    box.refuses(2, *evaluate, "dice", says=["case_3", "8 x 24 x 20", "8 x 24 x 24"])


def reports_that_cannot_be_made(box):
    box.refuses(2, "report", "nowhere", says=["nowhere is no study's folder", "plan.json", "lamina ablate"])
    box.refuses(2, "report", "nowhere", "--format", "ltex", says=["--format is 'ltex'", "did you mean 'latex'?"])
    box.refuses(2, "report", "nowhere", "--format", "md", "--json", says=["--json", "--format md", "--output FILE"])


def tensors_that_do_not_fit(box):
    flat = write_floats(box.folder / "flat.safetensors", image=([1, 1, 2, 2], [1, 2, 3, 4]))
    weights = write_floats(box.folder / "w.safetensors", nothing=([1], [1]))
    forward = ("forward", "dots.json", "--output", box.folder / "out.safetensors", "--input")
    box.refuses(2, "weights", "inspect", box.experiment, says=["dots.json"])
    box.refuses(2, *forward, flat, "--weights", "nowhere.safetensors", says=["nowhere.safetensors", "No such file"])
    box.refuses(2, *forward, flat, "--weights", weights, says=["w.safetensors", "nothing"])
    box.refuses(2, *forward, flat, "--weights", box.checkpoint, says=["'image' has 4 axes", "[B, C, D, H, W]"])
    box.refuses(2, *forward, weights, "--weights", box.checkpoint, says=["w.safetensors", "has no tensor 'image'"])


CASES = [words_that_do_not_exist, experiments_that_do_not_exist, damaged_json, wrong_settings_are_all_named_at_once,
         globs_that_match_nothing, foreign_plugins, missing_data, wrong_splits, data_check_lists_every_fault,
         training_meets_a_bad_case, an_image_that_is_text, models_that_cannot_predict,
         images_that_cannot_be_predicted, scores_of_what_does_not_fit, reports_that_cannot_be_made,
         tensors_that_do_not_fit]


def main():
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        code = run_cases(CASES, Sandbox.make(sys.argv[1], scratch / "original"), scratch)
    print(f"{time.monotonic() - begin:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
