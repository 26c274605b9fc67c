#!/usr/bin/env python3
"""`lamina check --count` on the paper-sized files gives the numbers of parameters that the papers' code has.

Decoders are counted as published; the encoders in front of them are narrow here, so that a step takes no time.

usage: check_counts_test.py LAMINA EXPERIMENTS
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NARROW = {"type": "sam_vit", "size": "custom", "embed_dim": 32, "depth": 2, "heads": 2, "global_blocks": [1], "out_channels": 256}
SECOND = "decoder.mask_decoder2."

# Experiment, patch, classes, {glob: parameters}
PAPERS = [
    ("h_sam_synapse_paper", [1, 224, 224], 9,
     {SECOND + "transformer2.**": 3826920, SECOND + "output_hypernetworks_mlps2.**": 2405520, SECOND + "skip_connect.**": 10384,
      SECOND + "{self_attn,self_attn2,norm1,norm2,mlp,med_sel}.**": 1114750}),
    ("h_sam_synapse_tenth_paper", [1, 512, 512], 9,
     {SECOND + "transformer2.**": 3826920, SECOND + "{self_attn,self_attn2,norm1,norm2,mlp,med_sel}.**": 12598282}),
    ("light_heads_acdc_paper", [1, 256, 256], 4,
     {"decoder.{mask_tokens,transformer,output_upscaling,output_hypernetworks_mlps}.**": 3646880}),
]
# The same on SAM's ViT-B: adapters take their size from the encoder's width and depth.
BASE = 'model.encoder={"type":"sam_vit","size":"base"}'
ADAPTERS = [
    ("ma_sam_btcv_paper", [1, 64, 64], 13, {"adapters.fact.**": 73728, "adapters.depth.**": 24 * 1034112, "decoder.output_upscaling.{4,6,7,9}.**": 2680}),
    ("samed_synapse_paper", [1, 64, 64], 9, {"adapters.lora.**": 147456}),
]
HEADS = {'{"type":"linear_head"}': 75140, '{"type":"cnn_head","depth":2}': 1808132, '{"type":"cnn_head"}': 20686340}


def write_dataset(folder, classes):
    """A dataset.json with so many classes, and one case that nobody reads."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for case in "abc":
        (folder / "imagesTr" / f"patient{ord(case)}_0000.nii.gz").touch()
        (folder / "labelsTr" / f"patient{ord(case)}.nii.gz").touch()
    labels = {"background": 0} | {f"organ {i}": i for i in range(1, classes)}
    (folder / "dataset.json").write_text(json.dumps({"name": "made up", "channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"}))


def counts(lamina, folder, experiments, name, patch, *words, globs):
    changes = ["weights=[]", "model.encoder=" + json.dumps(NARROW), f"train.patch={patch}", "train.batch=1", "dataset.root=data",
               'dataset.split={"val":1,"test":1}', *words]
    call = [lamina, "check", name, "--json"]
    for change in changes:
        call += ["--set", change]
    for glob in globs:
        call += ["--count", glob]
    environment = dict(os.environ, LAMINA_EXPERIMENTS=experiments, OMP_NUM_THREADS="1", NO_COLOR="1")
    done = subprocess.run(call, cwd=folder, env=environment, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return {glob: json.loads(done.stdout)["parameters"][glob]["total"] for glob in globs}


def main():
    lamina, experiments = sys.argv[1:3]
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, patch, classes, expected in PAPERS + ADAPTERS:
            write_dataset(folder / "data", classes)
            words = [BASE] if "adapters" in next(iter(expected)) else []
            got = counts(lamina, folder, experiments, name, patch, *words, globs=list(expected))
            wrong += [f"{name}: {glob}: got {got[glob]}, expected {count}" for glob, count in expected.items() if got[glob] != count]
        write_dataset(folder / "data", 4)
        for head, count in HEADS.items():
            got = counts(lamina, folder, experiments, "light_heads_acdc_paper", [1, 64, 64], f"model.decoder={head}",
                         'train.trainable=["decoder.**"]', globs=["decoder.**"])["decoder.**"]
            wrong += [f"{head}: got {got}, expected {count}"] * (got != count)
        done = subprocess.run([lamina, "check", "light_heads_tiny", "--count", "decoder.nowhere"], cwd=folder, text=True, capture_output=True,
                              env=dict(os.environ, LAMINA_EXPERIMENTS=experiments))
        if done.returncode != 2 or "matches no parameter" not in done.stderr:
            wrong.append(f"--count that matches nothing: exit {done.returncode}, {done.stderr}")
    print("\n".join(wrong) or "every count is as published")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
