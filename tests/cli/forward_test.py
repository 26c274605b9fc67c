#!/usr/bin/env python3
"""`lamina forward` with a run's checkpoint computes what it computes with the same weights in a plain file: averaged
where training averaged, trained elsewhere. `lamina weights convert` writes the same.

usage: forward_test.py LAMINA
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import read_tensors, tensor_hashes, write_tensors
from sandbox import Sandbox, write_floats


def plain_weights(checkpoint):
    """What a checkpoint predicts with, under the parameters' own names."""
    tensors = read_tensors(checkpoint)
    weights = {}
    for prefix in ("model.", "ema."):
        weights.update({name[len(prefix):]: one for name, one in tensors.items() if name.startswith(prefix)})
    return weights


def main():
    with tempfile.TemporaryDirectory() as folder:
        box = Sandbox.make(sys.argv[1], Path(folder))
        image = write_floats(box.folder / "image.safetensors", image=([1, 1, 8, 16, 16], [i % 7 for i in range(2048)]))
        plain = box.folder / "plain.safetensors"
        write_tensors(plain, plain_weights(box.checkpoint))
        trained = {name: one for name, one in read_tensors(box.checkpoint).items() if name.startswith("model.")}
        if all(one == plain_weights(box.checkpoint)[name[len("model."):]] for name, one in trained.items()):
            sys.exit("the averaged weights are the trained ones: this test shows nothing")
        converted = box.folder / "converted.safetensors"
        box.call("weights", "convert", box.checkpoint, converted)
        if tensor_hashes(converted) != tensor_hashes(plain):
            sys.exit("weights convert writes other weights than those that the checkpoint predicts with")
        if "variant: a checkpoint of lamina" not in box.call("weights", "inspect", box.checkpoint).stdout:
            sys.exit("weights inspect does not recognise a checkpoint")
        results = []
        for weights in (box.checkpoint, plain):
            output = box.folder / f"{weights.stem}-out.safetensors"
            done = box.call("forward", "dots.json", "--weights", weights, "--input", image, "--output", output)
            if done.returncode != 0 or "output.classes" not in done.stdout:
                sys.exit(f"forward with {weights.name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
            results.append(tensor_hashes(output))
        if results[0] != results[1]:
            sys.exit(f"{sorted(name for name in results[0] if results[0][name] != results[1].get(name))} differ")
    print(f"{len(results[0])} tensors are bit-equal")


if __name__ == "__main__":
    main()
