#!/usr/bin/env python3
"""Verbs over many runs: leaderboard, compare, status; the index they share, and curves for TensorBoard.

usage: runs_test.py LAMINA
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import Sandbox, run_cases
from unwritable_test import file_system

STUDY = {"schema": 1, "name": "pair", "baseline": "dots.json", "baseline_name": "plain",
         "arms": [{"name": "slow", "set": {"train.optimizer.lr": 0.0001}}]}


def expect(box, words, said, *checks):
    """`said`: a finished process; `checks`: (what must hold, whether it does)."""
    problems = [] if said.returncode == 0 else [f"exit {said.returncode}"]
    box.note(words, problems + [f"not so: {what}" for what, holds in checks if not holds], said)


def answer(box, *words):
    said = box.call(*words, "--json")
    return said, json.loads(said.stdout) if said.returncode == 0 else None


def run_names(box):
    return sorted(path.parent.relative_to(box.folder / "runs").as_posix()
                  for path in (box.folder / "runs" / "pair").glob("*/status.json"))


def leaders_are_the_scores(box):
    said, board = answer(box, "leaderboard")
    stats = json.loads((box.folder / "runs/pair/stats.json").read_text())
    means = {arm["name"]: arm["metrics"]["dice"]["mean"] for arm in stats["arms"]}
    found = {entry["arm"]: entry["mean"] for table in board["tables"] for entry in table["entries"]
             if entry["study"] == "pair"}
    expect(box, ["leaderboard"], said, ("the means are the report's", found == means),
           ("one table", len(board["tables"]) == 1), ("the index is kept", (box.folder / "runs/index.sqlite").exists()))
    again = box.call("leaderboard", "--json")
    (box.folder / "runs/index.sqlite").write_text("scribbled over")
    expect(box, ["leaderboard"], again, ("the answer of a damaged index is the same",
                                         box.call("leaderboard", "--json").stdout == again.stdout))


def comparisons_are_the_report(box):
    slow, plain = sorted(run_names(box), key=lambda name: "plain" in name)
    said, made = answer(box, "compare", plain, slow)
    stats = json.loads((box.folder / "runs/pair/stats.json").read_text())
    expect(box, ["compare"], said,
           ("each arm's numbers are the report's", [arm["metrics"] for arm in made["runs"]] ==
            [arm["metrics"] for arm in stats["arms"]]),
           ("the setting is named", [change["path"] for change in made["runs"][1]["changes"]] == ["train.optimizer.lr"]))
    words = box.call("compare", f"runs/{plain}", f"runs/{slow}")
    expect(box, ["compare"], words, ("settings and cost are told", "train.optimizer.lr" in words.stdout and
                                     "\ncost\n" in words.stdout))


def states_are_told(box):
    status = box.folder / "runs" / run_names(box)[0] / "status.json"
    content = json.loads(status.read_text())
    status.write_text(json.dumps(content | {"state": "running", "stage": "train", "pid": 2**22 + 1}))
    said, studies = answer(box, "status", "pair")
    expect(box, ["status"], said, ("a run without its process died", studies[0]["counts"]["died"] == 1))
    status.write_text("{")
    words = box.call("status")
    expect(box, ["status"], words, ("the reason is told", "damaged" in words.stdout and "status.json" in words.stdout),
           ("others are there", "1 done, 1 damaged" in words.stdout))


def questions_that_cannot_be_answered(box):
    box.call("status")  # makes the index
    one, two = run_names(box)
    box.refuses(2, "leaderboard", "--metric", "dcie", says=["no run was evaluated", "'dcie'", "did you mean 'dice'?"])
    box.refuses(2, "leaderboard", "--group", "runs", says=["--group runs", "did you mean 'run'?"])
    box.refuses(2, "leaderboard", "--limit", "0", says=["--limit 0", "at least 1"])
    box.refuses(2, "leaderboard", "--study", "pare", says=["there is no study 'pare'", "did you mean 'pair'?"])
    box.refuses(2, "leaderboard", "--dataset", "Dots", says=["there is no dataset 'Dots'", "Dataset900_Dots"])
    box.refuses(2, "leaderboard", "--runs", "rums", says=["rums: there is no such folder of runs"])
    box.refuses(2, "status", "pear", says=["there is no study 'pear'", "did you mean 'pair'?"])
    box.refuses(2, "compare", one, says=["two run folders or more"])
    box.refuses(2, "compare", one, f"runs/{one}", says=["is named twice"])
    box.refuses(2, "compare", one, "pair/plan", says=["pair/plan: there is no such run folder"])
    box.refuses(2, "compare", one, "pair", says=["is no run's folder"])
    metrics = box.folder / "runs" / two / "metrics.csv"
    metrics.write_text(metrics.read_text().replace("case_", "other_"))
    box.refuses(2, "compare", one, two, says=["no test case in common"])


def without_a_file_system_that_writes(box):
    """The answer is the same, with one note."""
    known = box.call("leaderboard", "--json").stdout
    with contextlib.ExitStack() as stack:
        try:
            small = stack.enter_context(file_system(box.folder / "small"))
        except (subprocess.CalledProcessError, PermissionError):
            print("not tried: no small file system can be mounted here")
            return
        shutil.copytree(box.folder / "runs/pair", small / "runs/pair",
                        ignore=shutil.ignore_patterns("checkpoints", "predictions", "report.html"))
        shutil.copytree(box.folder / "runs/dots", small / "runs/dots",
                        ignore=shutil.ignore_patterns("checkpoints", "predictions", "report.html"))
        with contextlib.suppress(OSError):
            (small / "filler").write_bytes(b"\0" * 10**6)
        for state in ("full", "read-only"):
            if state == "read-only":
                subprocess.run(["mount", "-o", "remount,ro", small], check=True)
            said = box.call("leaderboard", "--json", "--runs", small / "runs")
            expect(box, ["leaderboard", state], said, (f"the same answer on a {state} disk", said.stdout == known),
                   ("one note", said.stderr.count("cannot be kept") == 1 and said.stderr.count("\n") == 1))


def curves_for_tensorboard(box):
    """Asking for them changes no hash, so that it may be asked for at any time."""
    plain = box.call("train", "dots.json", "--runs", "a", "--json")
    asked = box.call("train", "dots.json", "--runs", "b", "--json", "--set", "runtime.tensorboard=true")
    folders = [Path(json.loads(said.stdout)["run"]) for said in (plain, asked)]
    files = [list((box.folder / folder).glob("tensorboard/events.out.tfevents.*.lamina")) for folder in folders]
    expect(box, ["train"], asked, ("the folder has the same name", folders[0].name == folders[1].name),
           ("files only where asked for", [len(found) for found in files] == [0, 1]))


CASES = [leaders_are_the_scores, comparisons_are_the_report, states_are_told, questions_that_cannot_be_answered,
         without_a_file_system_that_writes, curves_for_tensorboard]


def main():
    with tempfile.TemporaryDirectory() as folder:
        original = Sandbox.make(sys.argv[1], Path(folder) / "original")
        (original.folder / "pair.json").write_text(json.dumps(STUDY))
        done = original.call("ablate", "pair.json", "--in-process")
        if done.returncode != 0:
            sys.exit(f"the study could not be made:\n{done.stdout}{done.stderr}")
        return run_cases(CASES, original, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
