#!/usr/bin/env python3
"""Folders that cannot be written and disks that are full: exit code 1, the reason in words, nothing half written.

usage: unwritable_test.py LAMINA        (needs root for small file systems; exits 77 otherwise)
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import Sandbox, run_cases, write_floats

READ_ONLY = "the file system is read-only"
FULL = "No space left on device"


@contextlib.contextmanager
def file_system(folder, *options, fill=0):
    """A tmpfs at `folder`; `fill` bytes are used, then `options` hold."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True)
    try:
        (folder / "filler").write_bytes(b"\0" * fill)
        subprocess.run(["mount", "-o", ",".join(["remount", *options]), folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def forward_words(box):
    image = write_floats(box.folder / "image.safetensors", image=([1, 1, 8, 16, 16], [i % 7 for i in range(2048)]))
    return "forward", "dots.json", "--weights", box.checkpoint, "--input", image, "--output"


def predict_words(box):
    return "predict", box.run_folder, "--input", box.image(0), "--output"


def read_only_folders(box):
    forward = forward_words(box)
    with file_system(box.folder / "fixed", "ro") as fixed:
        box.refuses(1, "train", "dots.json", "--runs", fixed / "runs", says=[str(fixed), READ_ONLY])
        box.refuses(1, "ablate", "dots.json", "--runs", fixed / "runs", says=[str(fixed), READ_ONLY])
        box.refuses(1, *predict_words(box), fixed / "masks", says=[str(fixed), READ_ONLY])
        box.refuses(1, *forward, fixed / "out.safetensors", says=[str(fixed), READ_ONLY])
        box.refuses(1, "evaluate", box.data / "labelsTr", "--references", box.data / "labelsTr", "--metric", "dice",
                    "--output", fixed / "scores", says=[str(fixed), READ_ONLY])
        box.refuses(1, "data", "check", "dots.json", "--pictures", fixed / "pictures", says=[str(fixed), READ_ONLY])
        box.refuses(1, "plugin", "new", "loss", "my_loss", "--output", fixed / "loss", says=[str(fixed), READ_ONLY])


def folders_that_are_files(box):
    masks = box.folder / "masks"
    masks.write_text("not a folder")
    box.refuses(1, *predict_words(box), masks, says=[str(masks), "no folder"])
    box.refuses(1, "train", "dots.json", "--runs", masks, says=[str(masks), "no folder"])


def full_disks(box):
    forward = forward_words(box)
    with file_system(box.folder / "full", "size=256k", fill=250_000) as full:
        box.refuses(1, *forward, full / "out.safetensors", says=[str(full), FULL])
        box.refuses(1, "plugin", "new", "loss", "my_loss", "--output", full / "loss", says=[str(full), FULL],
                    leaves=["full/loss/*"])
    with file_system(box.folder / "full", "size=256k", fill=262_144) as full:
        box.refuses(1, *predict_words(box), full, says=[f"cannot write {full}/case_0.nii.gz", FULL])


CASES = [read_only_folders, folders_that_are_files, full_disks]


def main():
    if os.geteuid() != 0:
        print("skipped: mounting small file systems needs root")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            with file_system(scratch / "probe", "ro"):
                pass
        except subprocess.CalledProcessError:
            print("skipped: no tmpfs can be mounted here")
            return 77
        return run_cases(CASES, Sandbox.make(sys.argv[1], scratch / "original"), scratch)


if __name__ == "__main__":
    sys.exit(main())
