"""A folder with a small dataset, an experiment and a trained run, and what the program owes its user when it refuses."""

import fnmatch
import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import write_nifti, write_tensors

SIZE = (8, 24, 24)  # z, y, x
CASES = 4
EXPERIMENT = {
    "schema": 1,
    "name": "dots",
    "dataset": {"type": "nnunet_raw", "root": "Dataset900_Dots", "split": {"val": 1, "test": 1}},
    "prepare": [{"id": "norm", "type": "zscore"}],
    "model": {"encoder": {"type": "unet_encoder", "dimensions": 3, "channels": [4, 8]}, "decoder": {"type": "unet"}},
    "train": {"trainable": ["encoder.**", "decoder.**"], "patch": [8, 16, 16], "batch": 1, "epochs": 1,
              "iterations": 1, "ema": 0.5, "optimizer": {"type": "adamw", "lr": 0.001}, "schedule": {"type": "poly"}},
    "loss": {"type": "dice_ce"},
    "evaluate": {"metrics": ["dice"]},
    "runtime": {"device": "cpu", "threads": 1, "workers": 1},
}

# What a stranger must never see.
TRACES = ("terminate called", "what():", "Exception raised from", "Segmentation fault", "core dumped", "Traceback",
          "bad_alloc", "std::")

# What a run that failed may leave: its records and cases prepared before it met the bad one, never a model or a result.
RECORDS = ("runs/*/*/status.json", "runs/*/*/experiment.resolved.json", "runs/*/*/environment.json",
           "runs/*/*/log.jsonl", "runs/*/*/curves.csv", "runs/*/*/*lock*", "runs/.cache/*")


def ball(number):
    """value(z, y, x) of a label map: 1 in a ball whose place depends on the case."""
    return lambda z, y, x: float((z - 4) ** 2 * 4 + (y - 10 - number) ** 2 + (x - 12) ** 2 < 36)


def write_volume(file, value, size=SIZE):
    """`value(z, y, x)` as a compressed float32 NIfTI volume."""
    _, height, width = size

    def slice_bytes(z):
        return struct.pack(f"<{height * width}f", *(value(z, y, x) for y in range(height) for x in range(width)))

    plain = file.with_suffix("")
    write_nifti(plain, size, slice_bytes)
    file.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()


def write_floats(file, **tensors):
    """A safetensors file; name=(shape, values)."""
    write_tensors(file, {name: ("F32", shape, struct.pack(f"<{len(values)}f", *values))
                         for name, (shape, values) in tensors.items()})
    return file


class Sandbox:
    """One case's own copy of everything; the case damages it and asks."""

    def __init__(self, lamina, folder):
        self.lamina, self.folder = Path(lamina), Path(folder)
        self.data = self.folder / "Dataset900_Dots"
        self.experiment = self.folder / "dots.json"
        self.failures = []

    @classmethod
    def make(cls, lamina, folder):
        """The original, with a model trained for one step."""
        box = cls(lamina, folder)
        for name in ("imagesTr", "labelsTr"):
            (box.data / name).mkdir(parents=True)
        for number in range(CASES):
            label = ball(number)
            write_volume(box.label(number), label)
            write_volume(box.image(number), lambda z, y, x: 50 * label(z, y, x) + (7 * z + 3 * y + 5 * x) % 11)
        (box.data / "dataset.json").write_text(json.dumps({
            "name": "Dots", "channel_names": {"0": "MRI"}, "labels": {"background": 0, "ball": 1},
            "file_ending": ".nii.gz"}))
        box.experiment.write_text(json.dumps(EXPERIMENT))
        done = box.call("ablate", "dots.json", "--in-process")
        if done.returncode != 0:
            sys.exit(f"the sandbox could not be made:\n{done.stdout}{done.stderr}")
        return box

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Sandbox(self.lamina, folder)

    def image(self, number):
        return self.data / "imagesTr" / f"case_{number}_0000.nii.gz"

    def label(self, number):
        return self.data / "labelsTr" / f"case_{number}.nii.gz"

    @property
    def run_folder(self):
        return next(path for path in (self.folder / "runs" / "dots").iterdir() if (path / "checkpoints").is_dir())

    @property
    def checkpoint(self):
        return self.run_folder / "checkpoints" / (self.run_folder / "checkpoints" / "last").read_text().strip()

    def forget_runs(self):
        """So that the next command starts from nothing."""
        shutil.rmtree(self.folder / "runs")

    def call(self, *words):
        environment = dict(os.environ, OMP_NUM_THREADS="1", NO_COLOR="1")
        environment.pop("LAMINA_PLUGIN_PATH", None)
        return subprocess.run([self.lamina, *map(str, words)], cwd=self.folder, env=environment, text=True,
                              capture_output=True, timeout=120)

    def files(self):
        """path -> digest of everything in the folder."""
        return {str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in self.folder.rglob("*") if path.is_file()}

    def refuses(self, code, *words, says, leaves=(), results=""):
        """Runs the command; it must end with `code`, say each of `says` after "error: ", print exactly `results`, and
        leave every file as it was, but for new ones that match `leaves`."""
        before = self.files()
        done = self.call(*words)
        problems = [f"exit {done.returncode}, expected {code}"] if done.returncode != code else []
        if done.stdout != results:
            problems.append(f"stdout is {done.stdout!r}, expected {results!r}")
        if not re.search(r"^error: ", done.stderr, re.MULTILINE):
            problems.append("no line begins with 'error: '")
        problems += [f"does not say '{word}'" for word in says if word not in done.stderr]
        problems += [f"says '{trace}'" for trace in TRACES if trace in done.stderr]
        for name, digest in self.files().items():
            if name not in before and not any(fnmatch.fnmatch(name, pattern) for pattern in leaves):
                problems.append(f"leaves {name}")
            if name in before and before[name] != digest:
                problems.append(f"changes {name}")
        self.note(words, problems, done)

    def reports(self, code, *words, says):
        """The same for a verb whose result on stdout is what it found."""
        done = self.call(*words)
        problems = [f"exit {done.returncode}, expected {code}"] if done.returncode != code else []
        problems += [f"does not report '{word}'" for word in says if word not in done.stdout]
        problems += [f"says '{trace}'" for trace in TRACES if trace in done.stdout + done.stderr]
        self.note(words, problems, done)

    def note(self, words, problems, done):
        if problems:
            self.failures.append(f"lamina {' '.join(map(str, words))}\n    " + "\n    ".join(problems) +
                                 f"\n  stdout:\n{done.stdout[-1500:]}\n  stderr:\n{done.stderr[-2500:]}")


def run_cases(cases, original, scratch):
    """Gives every case a copy of its own; returns the exit code of the test."""
    failed = 0
    for case in cases:
        box = original.copy(scratch / case.__name__)
        case(box)
        for failure in box.failures:
            print(f"{case.__name__}: {failure}\n")
        failed += len(box.failures) > 0
        shutil.rmtree(box.folder)
    print(f"{len(cases)} cases, {failed} failed")
    return 1 if failed or not cases else 0
