#!/usr/bin/env python3
"""Prediction of a deep volume holds image and label map, not class scores: peak memory at depth 256 minus depth 64 stays
under three times (image + label map) of the slices between.

usage: memory_test.py LAMINA STUDY
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import run, write_nifti

SIDE = 256
DEPTHS = (64, 256)


def peak_bytes(lamina, checkpoint, source, target):
    """Peak resident memory of one prediction in a child of its own."""
    script = ("import resource, subprocess, sys; "
              "subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr); "
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", script, lamina, "predict", checkpoint, "--input", source, "--output",
                           target], capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if done.returncode != 0:
        sys.exit(done.stderr[-3000:])
    return int(done.stdout.split()[-1]) * 1024


def main():
    lamina, study = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(lamina, "ablate", study, "--runs", folder / "runs")
        checkpoint = next(path for path in (folder / "runs" / study.stem).iterdir() if (path / "checkpoints").is_dir())
        peaks = []
        for depth in DEPTHS:
            source = folder / f"in-{depth}"
            source.mkdir()
            noise = os.urandom(SIDE * SIDE)
            row = b"".join(bytes((0, 0, byte, 0x41)) for byte in noise)  # floats between 8 and 16
            write_nifti(source / "case_0000.nii", (depth, SIDE, SIDE), lambda z: row)
            peaks.append(peak_bytes(lamina, checkpoint, source, folder / f"out-{depth}"))
        slices = (DEPTHS[1] - DEPTHS[0]) * SIDE * SIDE
        allowed = 3 * slices * (4 + 1)
        grown = peaks[1] - peaks[0]
        print(f"peak at depth {DEPTHS[0]}: {peaks[0] >> 20} MiB, at {DEPTHS[1]}: {peaks[1] >> 20} MiB; "
              f"grown by {grown >> 20} MiB, allowed {allowed >> 20} MiB")
        if grown > allowed:
            sys.exit(1)


if __name__ == "__main__":
    main()
