#!/usr/bin/env python3
"""Every experiment and study in experiments/ is read, its models are built, and each experiment makes one step.

Data are not needed: the phantom stands in for every dataset. The published configurations have encoders that do not fit
a test; they keep their adapters, prompters, decoders, losses and settings, on an encoder of four narrow blocks.

usage: check_experiments.py LAMINA FOLDER
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PHANTOM = 'dataset={"type":"phantom","cases":{"train":2,"val":1,"test":1},"size":[8,32,32]}'
NARROW = {"type": "sam_vit", "size": "custom", "embed_dim": 32, "depth": 4, "heads": 2, "window": 3, "global_blocks": [0, 1, 2, 3],
          "out_channels": 32, "table": 64, "position": "crop", "rel_pos": "runtime"}
SHRUNK = ["weights=[]", "model.encoder=" + json.dumps(NARROW), "train.patch=[2,64,64]", "train.batch=1"]


def is_study(file):
    """Comments make a file no JSON, so the key is looked for in the text; a study may also extend one."""
    content = re.sub(r"//.*", "", file.read_text())
    base = re.search(r'"base": \["([a-z_]+\.json)"\]', content)
    return '"arms"' in content or '"axes"' in content or (base is not None and is_study(file.parent / base[1]))


def words_for(file):
    name = file.stem
    if is_study(file):
        return ["ablate", name, "--dry-run", "--no-probe", "--set", PHANTOM]
    words = ["check", name, "--json", "--set", PHANTOM]
    shrunk = SHRUNK + ["loss.points=64"] * name.startswith("masksam")
    for change in shrunk if name.endswith("_paper") else []:
        words += ["--set", change]
    return words


def problem_of(done):
    """What is wrong with a finished call; "" when nothing is."""
    if done.returncode != 0:
        return f"exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
    if not done.stdout.startswith("{"):
        return ""
    # SAM's decoder has parts that MaskSAM never uses; what an experiment adds must all be reached by the loss.
    lost = [one["name"] for one in json.loads(done.stdout)["without_gradient"] if one["name"].startswith(("adapters.", "prompter."))]
    return "the loss does not reach " + ", ".join(lost) if lost else ""


def main():
    lamina, folder = Path(sys.argv[1]), Path(sys.argv[2])
    environment = dict(os.environ, LAMINA_EXPERIMENTS=str(folder), OMP_NUM_THREADS="1")
    files, failures = sorted(folder.glob("*.json")), 0
    with tempfile.TemporaryDirectory() as scratch:
        for file in files:
            problem = problem_of(subprocess.run([lamina, *words_for(file)], cwd=scratch, env=environment, text=True, capture_output=True))
            if problem:
                failures += 1
                print(f"{file.name}: {problem}")
    print(f"{len(files)} files tried, {failures} failed")
    return 1 if failures or not files else 0


if __name__ == "__main__":
    sys.exit(main())
