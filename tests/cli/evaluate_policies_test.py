#!/usr/bin/env python3
"""One set of label maps under every policy for empty masks: the figures of `lamina evaluate`, and the same from metrics.csv.

usage: evaluate_policies_test.py LAMINA
"""

import csv
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import write_volume

SIZE = (4, 8, 8)
NAN = math.nan
DIAGONAL = 12.0  # mm, of 4 x 8 x 8 voxels of 1 mm


def row(label, first, last, y=1):
    """value(z, y, x): `label` at x = first .. last of one row."""
    return lambda z, at, x: float(label if (z, at) == (1, y) and first <= x <= last else 0)


def both(one, other):
    return lambda z, y, x: one(z, y, x) or other(z, y, x)


# case: (prediction, reference); class 1 is found by half, missed, found; class 2 is absent, found, invented.
CASES = {
    "a": (row(1, 1, 2), row(1, 1, 4)),
    "b": (row(2, 1, 3, y=5), both(row(1, 1, 4), row(2, 1, 3, y=5))),
    "c": (both(row(1, 1, 4), row(2, 6, 7, y=5)), row(1, 1, 4)),
}
# Of class 1 and 2: the values of the cases a, b, c.
DICE = {"nnunet": [[2 / 3, 0, 1], [NAN, 1, 0]], "monai": [[2 / 3, 0, 1], [NAN, 1, NAN]],
        "transunet": [[2 / 3, 0, 1], [0, 1, 1]], "strict": [[2 / 3, 0, 1], [1, 1, 0]]}
# Distances of the half that was not found: 0, 0, 1, 2 mm; their 95th percentile is 1.85.
HD95 = {"nnunet": [[1.85, NAN, 0], [NAN, 0, NAN]], "monai": [[1.85, NAN, 0], [NAN, 0, NAN]],
        "transunet": [[1.85, 0, 0], [0, 0, 0]], "strict": [[1.85, DIAGONAL, 0], [0, 0, DIAGONAL]]}
# ml, and counts of lesions: no policy touches them.
ALWAYS = {"volume_difference": [[0.002, 0.004, 0], [0, 0, 0.002]], "lesion_fn": [[0, 1, 0], [0, 0, 0]],
          "lesion_fp": [[0, 0, 0], [0, 0, 1]], "lesion_tp": [[1, 0, 1], [0, 1, 0]]}


def mean(values):
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else NAN


def expected(table):
    """By class, as the program prints it; over classes it is the mean within each case first."""
    return {"1": mean(table[0]), "2": mean(table[1]), "(mean)": mean([mean(pair) for pair in zip(*table)])}


def evaluate(lamina, folder, *words, says=""):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run([lamina, "evaluate", "predictions", "--json", *words], cwd=folder, env=environment, text=True,
                          capture_output=True)
    if done.returncode != 0 or says not in done.stderr:
        sys.exit(f"evaluate {' '.join(words)}: exit {done.returncode}, expected 0 and '{says}'\n{done.stderr}")
    return {(one["metric"], one["class"]): one for one in json.loads(done.stdout)}


def differs(got, wanted):
    return got is not None if math.isnan(wanted) else got is None or abs(got - wanted) > 1e-6


def problems_of(policy, scores):
    problems = []
    for metric, table in {"dice": DICE[policy], "hd95": HD95[policy], **ALWAYS}.items():
        for name, wanted in expected(table).items():
            one = scores[metric, name]
            if differs(one["mean"], wanted):
                problems.append(f"{policy}: {metric} of {name} is {one['mean']}, expected {wanted}")
            counts = (one["missed"], one["hallucinated"])
            if counts != {"1": (1, 0), "2": (0, 1), "(mean)": (1, 1)}[name]:
                problems.append(f"{policy}: {metric} of {name} counts {counts} missed and hallucinated pairs")
    return problems


def dice_by(policy, record):
    """Dice of one row of metrics.csv from its counts alone."""
    predicted, reference, common = (int(record[name]) for name in ("n_pred", "n_ref", "n_both"))
    if predicted and reference:
        return 2 * common / (predicted + reference)
    flag = "absent" if not predicted and not reference else "missed" if reference else "hallucinated"
    assert flag == record["flag"], record
    return {"nnunet": {"absent": NAN}, "monai": {"absent": NAN, "hallucinated": NAN}, "transunet": {"hallucinated": 1},
            "strict": {"absent": 1}}[policy].get(flag, 0)


def recomputed(file):
    """Whatever policy the file was written with, it gives the Dice of every policy."""
    with open(file, newline="") as table:
        records = [record for record in csv.DictReader(table) if record["metric"] == "dice"]
    problems = []
    for policy, table in DICE.items():
        for number in (1, 2):
            values = [dice_by(policy, one) for one in records if one["class"] == str(number)]
            if differs(None if math.isnan(mean(values)) else mean(values), mean(table[number - 1])):
                problems.append(f"{file.parent.name}: {policy} of class {number} from the counts is {mean(values)}")
    return problems


def experiment_problems(lamina, folder):
    """--empty says the policy for an experiment, too; without it the experiment's own counts."""
    (folder / "data.json").write_text(json.dumps({
        "name": "made", "channel_names": {"0": "MRI"}, "labels": {"background": 0, "one": 1, "two": 2}, "file_ending": ".nii.gz"}))
    data = folder / "Dataset901_Made"
    (data / "imagesTr").mkdir(parents=True)
    (folder / "data.json").rename(data / "dataset.json")
    (folder / "references").rename(data / "labelsTr")
    for case in [*CASES, "t"]:
        write_volume(data / "imagesTr" / f"{case}_0000.nii.gz", lambda z, y, x: float(x), SIZE)
    write_volume(data / "labelsTr" / "t.nii.gz", row(1, 1, 4), SIZE)
    (folder / "split.json").write_text(json.dumps([{"train": ["t"], "val": ["a"], "test": ["a", "b", "c"]}]))
    changes = ['dataset={"type": "nnunet_raw", "root": "Dataset901_Made", "split": {"file": "split.json"}}',
               "evaluate.metrics=" + json.dumps(["dice", "hd95", *ALWAYS]), "evaluate.empty=transunet"]
    words = ["--experiment", "phantom_unet:plain_3d"] + [word for one in changes for word in ("--set", one)]
    names = {"one": "1", "two": "2", "(mean)": "(mean)"}
    problems = []
    for policy, more in (("transunet", []), ("strict", ["--empty", "strict"]), ("nnunet", ["--empty", "nnunet"])):
        scores = evaluate(lamina, folder, *words, *more, says="validation and test intersect: 1 case; the chosen")
        problems += problems_of(policy, {(metric, names[name]): one for (metric, name), one in scores.items()})
    return problems


def main():
    lamina = Path(sys.argv[1]).resolve()
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in ("predictions", "references"):
            (folder / part).mkdir()
        for case, (prediction, reference) in CASES.items():
            write_volume(folder / "predictions" / f"{case}.nii.gz", prediction, SIZE)
            write_volume(folder / "references" / f"{case}.nii.gz", reference, SIZE)
        for policy in DICE:
            scores = evaluate(lamina, folder, "--references", "references", "--empty", policy, "--output", policy,
                              "--metric", ",".join(["dice", "hd95", *ALWAYS]))
            problems += problems_of(policy, scores) + recomputed(folder / policy / "metrics.csv")
        problems += experiment_problems(lamina, folder)
    print("\n".join(problems) or f"{len(DICE)} policies agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
