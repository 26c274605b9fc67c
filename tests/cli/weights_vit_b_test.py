#!/usr/bin/env python3
"""A SAM ViT-B of real size in a .pth: recognised, loaded strictly, converted without changing a bit, and how long that takes.

torch.save writes the file where torch is installed; else Python's pickler does, in the same form.

usage: weights_vit_b_test.py LAMINA
"""

import array
import hashlib
import json
import math
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import run, tensor_hashes, write_tensors
from torch_zip import write_torch_file

WIDTH, DEPTH, GLOBAL, HEAD = 768, 12, (2, 5, 8, 11), 64


def shapes():
    """SAM's published names and shapes."""
    found = {"image_encoder.pos_embed": [1, 64, 64, WIDTH], "image_encoder.neck.0.weight": [256, WIDTH, 1, 1], "image_encoder.neck.2.weight": [256, 256, 3, 3],
             "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": [2, 128], "mask_decoder.iou_token.weight": [1, 256],
             "mask_decoder.mask_tokens.weight": [4, 256]}

    def layer(name, *weight, bias=None):
        found[f"{name}.weight"] = list(weight)
        found[f"{name}.bias"] = [bias or weight[0]]

    layer("image_encoder.patch_embed.proj", WIDTH, 3, 16, 16)
    for i in (1, 3):
        layer(f"image_encoder.neck.{i}", 256)
    for i in range(DEPTH):
        block = f"image_encoder.blocks.{i}."
        for name, weight in (("norm1", [WIDTH]), ("norm2", [WIDTH]), ("attn.qkv", [3 * WIDTH, WIDTH]), ("attn.proj", [WIDTH, WIDTH]),
                             ("mlp.lin1", [4 * WIDTH, WIDTH]), ("mlp.lin2", [WIDTH, 4 * WIDTH])):
            layer(block + name, *weight)
        for axis in "hw":
            found[f"{block}attn.rel_pos_{axis}"] = [127 if i in GLOBAL else 27, HEAD]
    for name in [f"point_embeddings.{i}" for i in range(4)] + ["not_a_point_embed", "no_mask_embed"]:
        found[f"prompt_encoder.{name}.weight"] = [1, 256]
    for i, weight in ((0, [4, 1, 2, 2]), (1, [4]), (3, [16, 4, 2, 2]), (4, [16]), (6, [256, 16, 1, 1])):
        layer(f"prompt_encoder.mask_downscaling.{i}", *weight)

    def attention(name, inner):
        for part in "qkv":
            layer(f"mask_decoder.transformer.{name}.{part}_proj", inner, 256)
        layer(f"mask_decoder.transformer.{name}.out_proj", 256, inner)

    for i in range(2):
        attention(f"layers.{i}.self_attn", 256)
        attention(f"layers.{i}.cross_attn_token_to_image", 128)
        attention(f"layers.{i}.cross_attn_image_to_token", 128)
        for norm in (1, 2, 3, 4):
            layer(f"mask_decoder.transformer.layers.{i}.norm{norm}", 256)
        layer(f"mask_decoder.transformer.layers.{i}.mlp.lin1", 2048, 256)
        layer(f"mask_decoder.transformer.layers.{i}.mlp.lin2", 256, 2048)
    attention("final_attn_token_to_image", 128)
    layer("mask_decoder.transformer.norm_final_attn", 256)
    layer("mask_decoder.output_upscaling.0", 256, 64, 2, 2, bias=64)
    layer("mask_decoder.output_upscaling.1", 64)
    layer("mask_decoder.output_upscaling.3", 64, 32, 2, 2, bias=32)
    for mlp, out in [(f"output_hypernetworks_mlps.{i}", 32) for i in range(4)] + [("iou_prediction_head", 4)]:
        layer(f"mask_decoder.{mlp}.layers.0", 256, 256)
        layer(f"mask_decoder.{mlp}.layers.1", 256, 256)
        layer(f"mask_decoder.{mlp}.layers.2", out, 256)
    return found


def drawn():
    """name -> (shape, bytes); pieces of a million drawn numbers, each tensor from another place on."""
    source = random.Random(5)
    pool = array.array("f", (source.uniform(-0.06, 0.06) for _ in range(1 << 20))).tobytes()
    tensors = {}
    for name, shape in shapes().items():
        size, begin = 4 * math.prod(shape), 4 * source.randrange(1 << 20)
        tensors[name] = (shape, (pool[begin:] + pool * (size // len(pool) + 1))[:size])
    return tensors


def save(file, tensors):
    try:
        import torch
    except ImportError:
        write_torch_file(file, tensors)
        return "Python's pickler"
    torch.save({name: torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape) for name, (shape, data) in tensors.items()}, file)
    return f"torch.save of {torch.__version__}"


def timed(what, *words):
    begin = time.monotonic()
    output = run(*words)
    print(f"{what}: {time.monotonic() - begin:.2f} s")
    return output


def main():
    lamina = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tensors = drawn()
        file = folder / "sam_vit_b.pth"
        print(f"{file.name} by {save(file, tensors)}: {file.stat().st_size} bytes")
        facts = json.loads(subprocess.run([lamina, "weights", "inspect", file, "--json"], text=True, capture_output=True, check=True).stdout)
        expected = {"variant": "SAM ViT-B", "map": "sam", "values": 93735472 + 256, "foreign": [], "dtypes": {"F32": 314}}
        for key, value in expected.items():
            if facts[key] != value:
                sys.exit(f"inspect: {key} is {facts[key]}, expected {value}")
        timed("weights inspect", lamina, "weights", "inspect", file)
        plain = folder / "plain.safetensors"
        timed("weights convert", lamina, "weights", "convert", file, plain)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, (_, data) in tensors.items()}
        if tensor_hashes(plain) != hashes:
            sys.exit("convert changes numbers")
        experiment = folder / "sam.json"
        experiment.write_text(json.dumps({
            "schema": 1, "name": "sam", "dataset": {"type": "phantom"},
            "model": {"encoder": {"type": "sam_vit", "size": "base"}, "prompter": {"type": "given"}, "decoder": {"type": "sam_mask"}},
            "train": {"trainable": ["**"], "patch": [1, 64, 64], "batch": 1, "epochs": 1, "iterations": 1,
                      "optimizer": {"type": "adamw", "lr": 0.001}, "schedule": {"type": "poly"}},
            "loss": {"type": "dice_ce"}, "runtime": {"device": "cpu", "threads": 1}}))
        image = folder / "image.safetensors"
        write_tensors(image, {"image": ("F32", [1, 1, 1, 64, 64], struct.pack("<4096f", *(((i * 37) % 101) / 50 - 1 for i in range(4096)))),
                              "points": ("F32", [1, 1, 2], struct.pack("<2f", 20, 30)), "point_labels": ("I64", [1, 1], struct.pack("<q", 1)),
                              "image_index": ("I64", [1], struct.pack("<q", 0)), "class_id": ("I64", [1], struct.pack("<q", 1))})
        results = []
        for weights in (file, plain):  # strictly: nothing may miss or be left over
            output = folder / "out.safetensors"
            timed(f"forward with {weights.name}", lamina, "forward", experiment, "--weights", weights, "--map", "sam", "--input", image, "--output", output)
            results.append(tensor_hashes(output))
        if results[0] != results[1]:
            sys.exit("forwards from the .pth and its safetensors differ")


if __name__ == "__main__":
    main()
