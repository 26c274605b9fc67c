"""Compares a run's curves.csv with what TensorBoard reads from its event files.

Run: lamina train phantom --set runtime.tensorboard=true; python check_events.py runs/phantom/phantom-s1-...   (tensorboard, numpy)
"""
import csv
import json
import os
import sys

import numpy as np
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator

TAGS = {"lr": "lr", "loss": "loss", "grad_norm": "grad_norm", "val_dice": "val/dice", "val_loss": "val/loss",
        "seconds": "seconds_per_epoch", "epoch": "epoch"}


def tag_of(column):
    return column.replace(".", "/", 1) if column.startswith("loss.") else TAGS[column]


def check(run):
    with open(os.path.join(run, "curves.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = event_accumulator.EventAccumulator(os.path.join(run, "tensorboard"), size_guidance={"scalars": 0})
    found.Reload()
    columns = [column for column in rows[0] if column != "step" and any(row[column] for row in rows)]
    for column in columns:
        expected = [(int(row["step"]), np.float32(row[column])) for row in rows if row[column]]
        read = [(one.step, np.float32(one.value)) for one in found.Scalars(tag_of(column))]
        np.testing.assert_array_equal(read, expected, err_msg=f"{run}: {column}")
    others = set(found.Tags()["scalars"]) - {tag_of(column) for column in columns}
    assert all(tag.startswith("val/dice/") for tag in others), others
    with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as file:
        epochs = [entry for entry in map(json.loads, file) if "epoch" in entry]
    for tag in others:
        expected = [np.float32(entry["val_classes"][tag.removeprefix("val/dice/")]) for entry in epochs if "val_classes" in entry]
        np.testing.assert_array_equal([np.float32(one.value) for one in found.Scalars(tag)], expected, err_msg=tag)
    # The experiment stands on the page "Text", as newer TensorBoards read it.
    page = plugin_event_accumulator.EventAccumulator(os.path.join(run, "tensorboard"))
    page.Reload()
    assert page.PluginTagToContent("text").keys() == {"experiment"}, page.Tags()
    words = page.Tensors("experiment")[0].tensor_proto.string_val[0].decode()
    resolved = json.load(open(os.path.join(run, "experiment.resolved.json"), encoding="utf-8"))
    assert json.loads(words.removeprefix("```json\n").removesuffix("\n```")) == resolved
    print(f"{run}: {len(columns)} columns and {len(others)} classes over {len(rows)} epochs are equal")


for folder in sys.argv[1:]:
    check(folder)
