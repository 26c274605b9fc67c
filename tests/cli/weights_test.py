#!/usr/bin/env python3
"""`lamina weights inspect`, `convert` and `diff`, and `lamina forward`, on files that Python wrote (tests/parity).

usage: weights_test.py LAMINA
"""

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import read_tensors, run, tensor_hashes, write_tensors
from sandbox import TRACES

GOLDEN = Path(__file__).parents[1] / "parity" / "torch_files"
MODEL = {"encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 4, "heads": 2, "depth": 12, "global_blocks": [2, 5, 8, 11],
                     "window": 2, "out_channels": 8, "table": 4},
         "prompter": {"type": "given"}, "decoder": {"type": "sam_mask", "heads": 2, "mlp_channels": 8}}
failures = []


def check(true, what):
    if not true:
        failures.append(what)


def asked(lamina, *words):
    """The result of a verb as JSON; stdout alone."""
    done = subprocess.run([lamina, *map(str, words), "--json"], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"lamina {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def refused(lamina, *words, says):
    done = subprocess.run([lamina, *map(str, words)], text=True, capture_output=True)
    check(done.returncode == 2, f"{words}: exit {done.returncode}, expected 2")
    check(done.stdout == "", f"{words}: prints {done.stdout!r}")
    for word in says:
        check(word in done.stderr, f"{words}: does not say '{word}' but\n{done.stderr}")
    for trace in TRACES:
        check(trace not in done.stderr, f"{words}: says '{trace}'")


def inspects(lamina):
    facts = asked(lamina, "weights", "inspect", GOLDEN / "sam_b.pth")
    check(len(facts["tensors"]) == 314, "sam_b.pth has 314 tensors")
    check(facts["map"] == "sam" and facts["variant"] == "SAM with a ViT of width 4 and depth 12", str(facts["variant"]))
    check(facts["dtypes"] == {"F32": 314} and facts["foreign"] == [], str(facts["foreign"]))
    facts = asked(lamina, "weights", "inspect", GOLDEN / "hf_b.safetensors")
    check(facts["map"] == "hf_sam" and facts["metadata"] == {"format": "pt"}, str(facts["map"]))
    facts = asked(lamina, "weights", "inspect", GOLDEN / "nnunet.pth")
    check(facts["variant"] == "unknown" and "trainer_name" in facts["foreign"], str(facts["foreign"]))
    words = run(lamina, "weights", "inspect", GOLDEN / "nnunet.pth")
    for word in ("network_weights.module.weight", "[2, 1, 3, 3, 3]", "4 tensors", "variant: unknown", "map: none", "foreign: ", " more"):
        check(word in words, f"inspect does not print '{word}' but\n{words}")
    refused(lamina, "weights", "inspect", GOLDEN / "os_system.pth",
            says=["os_system.pth", "names the global 'posix.system'", "nothing of the file was run"])
    refused(lamina, "weights", "inspect", GOLDEN / "legacy.pth", says=["legacy.pth", "before version 1.6", "python -c"])
    refused(lamina, "weights", "inspect", GOLDEN / "names_sam_hq.txt", says=["is neither safetensors nor a .pth"])


def converts(lamina, folder):
    plain, half, ours = folder / "plain.safetensors", folder / "half.safetensors", folder / "ours.safetensors"
    run(lamina, "weights", "convert", GOLDEN / "sam_b.pth", plain)
    check(tensor_hashes(plain) == tensor_hashes(GOLDEN / "sam_b.safetensors"), "convert differs from safetensors.torch.save_file")
    run(lamina, "weights", "convert", GOLDEN / "sam_b.pth", half, "--dtype", "f16")
    check({one[0] for one in read_tensors(half).values()} == {"F16"}, "--dtype f16 leaves other types")
    run(lamina, "weights", "convert", GOLDEN / "hf_b.safetensors", ours, "--map", "hf_sam")
    check(asked(lamina, "weights", "inspect", ours)["variant"] == "a model of lamina", "convert --map writes other names")
    views = folder / "views.safetensors"
    run(lamina, "weights", "convert", GOLDEN / "views.pth", views)
    tensors = read_tensors(views)
    check(tensors["column"] == ("F32", [4], struct.pack("<4f", 2, 8, 14, 20)), "a strided view is written wrongly")
    check(tensors["kind.int64"][0] == "I64" and tensors["kind.bool"] == ("BOOL", [3], b"\1\0\1"), "types change without --dtype")
    refused(lamina, "weights", "convert", GOLDEN / "sam_b.pth", folder / "x.pth", says=["x.pth", ".safetensors"])
    refused(lamina, "weights", "convert", GOLDEN / "sam_b.pth", folder / "x.safetensors", "--dtype", "fp16",
            says=["fp16", "did you mean 'f16'?"])
    refused(lamina, "weights", "convert", GOLDEN / "sam_b.pth", folder / "x.safetensors", "--map", "smm", says=["there is no map 'smm'"])
    write_tensors(folder / "large.safetensors", {"w": ("F32", [2], struct.pack("<2f", 1, 1e6))})
    refused(lamina, "weights", "convert", folder / "large.safetensors", folder / "x.safetensors", "--dtype", "f16",
            says=["'w' has values up to 1e+06", "do not fit f16"])
    check(not (folder / "x.safetensors").exists() and not (folder / "x.pth").exists(), "a refused convert writes a file")


def differs(lamina, folder):
    same = asked(lamina, "weights", "diff", GOLDEN / "sam_b.pth", GOLDEN / "hf_b.safetensors", "--map-a", "sam", "--map-b", "hf_sam")
    check(same["same"] and same["equal"] == 314, f"sam_b and hf_b differ: {same}")
    small, other = folder / "a.safetensors", folder / "b.safetensors"
    write_tensors(small, {"weight": ("F32", [2, 3], struct.pack("<6f", *range(6))), "bias": ("F32", [2], struct.pack("<2f", 1, 2))})
    write_tensors(other, {"weight": ("F32", [2, 3], struct.pack("<6f", 0, 1, 2, 3, 4, 7)), "bias": ("F32", [1, 2], struct.pack("<2f", 1, 2)),
                          "more": ("I64", [1], struct.pack("<q", 1))})
    check(asked(lamina, "weights", "diff", GOLDEN / "small.pth", small)["same"], "small.pth differs from the same numbers")
    diff = asked(lamina, "weights", "diff", small, other)
    check(diff["only_a"] == [] and diff["only_b"] == ["more"], str(diff))
    check(diff["values"] == [{"name": "weight", "count": 1, "max_abs": 2.0}], str(diff["values"]))
    check(diff["shapes"] == [{"name": "bias", "a": "[2]", "b": "[1, 2]"}], str(diff["shapes"]))
    words = run(lamina, "weights", "diff", small, other)
    for word in (f"only in {other} (1):", "weight  1 values, up to 2", "bias  [2]  [1, 2]", "0 tensors are equal"):
        check(word in words, f"diff does not print '{word}' but\n{words}")


def forwards(lamina, folder):
    """The .pth, its safetensors twin and transformers' twin give bit-equal results."""
    experiment = folder / "sam.json"
    experiment.write_text(json.dumps({
        "schema": 1, "name": "sam", "dataset": {"type": "phantom"},
        "model": MODEL, "train": {"trainable": ["**"], "patch": [1, 64, 64], "batch": 1, "epochs": 1, "iterations": 1,
                                  "optimizer": {"type": "adamw", "lr": 0.001}, "schedule": {"type": "poly"}},
        "loss": {"type": "dice_ce"}, "runtime": {"device": "cpu", "threads": 1}}))
    image = folder / "image.safetensors"
    values = [((i * 37) % 101) / 50 - 1 for i in range(64 * 64)]
    write_tensors(image, {"image": ("F32", [1, 1, 1, 64, 64], struct.pack(f"<{len(values)}f", *values)),
                          "points": ("F32", [1, 1, 2], struct.pack("<2f", 20, 30)), "point_labels": ("I64", [1, 1], struct.pack("<q", 1)),
                          "image_index": ("I64", [1], struct.pack("<q", 0)), "class_id": ("I64", [1], struct.pack("<q", 1))})
    results = []
    for file, names in (("sam_b.pth", "sam"), ("sam_b.safetensors", "sam"), ("hf_b.safetensors", "hf_sam")):
        output = folder / "out.safetensors"
        run(lamina, "forward", experiment, "--weights", GOLDEN / file, "--map", names, "--input", image, "--output", output)
        results.append(tensor_hashes(output))
    check(results[0] == results[1] == results[2], "forwards from three files of the same weights differ")
    check("features.embedding" in results[0], str(list(results[0])))
    refused(lamina, "forward", experiment, "--weights", GOLDEN / "sam_l.pth", "--map", "sam", "--input", image, "--output",
            folder / "no.safetensors", says=["sam_l.pth does not fit this model", "encoder.blocks.12.attn.proj.bias"])


def main():
    lamina = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inspects(lamina)
        converts(lamina, folder)
        differs(lamina, folder)
        forwards(lamina, folder)
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
