#!/usr/bin/env python3
"""docs/examples/segment_image.cpp finds the mask that `lamina segment` finds with the same weights.

usage: check_segment_image.py EXAMPLE LAMINA GOLDEN
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import read_tensors, run, write_tensors
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from segment_test import SMALL, write_png


def main():
    example, lamina, golden = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, sam = folder / "model.json", folder / "sam.safetensors"
        model.write_text(SMALL)
        write_tensors(sam, {key.removeprefix("weights."): one for key, one in read_tensors(golden).items() if key.startswith("weights.")})
        picture = write_png(folder / "picture.png", 40, 56)
        run(lamina, "weights", "convert", sam, folder / "own.safetensors", "--map", "sam")
        found = json.loads(run(lamina, "segment", picture, "--model", model, "--size", "64", "--weights", sam, "--point", "20,10",
                               "--multimask", "--threads", "1", "--json", "--log-level", "error"))
        done = subprocess.run([example, model, "64", folder / "own.safetensors", picture, "20", "10", folder / "mask.png"], text=True,
                              capture_output=True)
        expected = f"predicted IoU {found['annotations'][0]['predicted_iou']:.4g}"
        if done.returncode != 0 or not done.stdout.startswith(expected[:-1]):
            sys.exit(f"exit {done.returncode}: {done.stdout}{done.stderr}expected {expected}")
        if not (folder / "mask.png").read_bytes().startswith(b"\x89PNG"):
            sys.exit("no picture was written")
    print(done.stdout.strip())


if __name__ == "__main__":
    main()
