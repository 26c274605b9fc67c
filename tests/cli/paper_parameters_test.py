#!/usr/bin/env python3
"""The published MaskSAM configurations have the parameters that their description implies: each group is counted by a formula of its own.

usage: paper_parameters_test.py LAMINA
"""

import json
import subprocess
import sys

# Of each paper: width and depth of SAM's encoder and its published size, slices of a patch, cells along a side of the grid.
PAPERS = {
    "acdc": (768, 12, 89_670_912, 4, 64),
    "synapse": (1280, 32, 637_026_048, 26, 16),
    "amos": (1280, 32, 637_026_048, 9, 32),
}
NECK, DECODER_LAYERS = 256, 2


def linear(inner, outer):
    return inner * outer + outer


def depth_conv(width):
    """Down to a quarter, a depthwise 3 x 3 x 3 convolution and a layer norm there, up again."""
    inner = width // 4
    return linear(width, inner) + 27 * inner + inner + 2 * inner + linear(inner, width)


def depth_mlp(width, slices):
    """Down to a quarter, an MLP along depth that is four times as wide, up again."""
    inner = width // 4
    return linear(width, inner) + linear(slices, 4 * slices) + linear(4 * slices, slices) + linear(inner, width)


def expected(width, depth, encoder, slices, grid):
    return {
        "encoder": encoder,
        "enc_attn": depth * depth_conv(width),
        "enc_mlp": depth * depth_conv(width),
        "depth_pos": slices * width,
        "dec_tokens": (2 * DECODER_LAYERS + 1) * depth_mlp(NECK, slices),
        "dec_mlp": DECODER_LAYERS * depth_mlp(NECK, slices),
        "dense_pos": slices * NECK * grid * grid,
        "dec_keys": DECODER_LAYERS * depth_conv(NECK),
    }


def counted(lamina, paper):
    """group -> parameters; an adapter by its id, else the room. The phantom has fewer classes, which only the decoder's class layer notices."""
    phantom = json.dumps({"type": "phantom", "classes": 5, "cases": {"train": 2, "val": 1, "test": 1}, "size": [8, 32, 32]})
    done = subprocess.run([lamina, "weights", "names", f"masksam_{paper}_paper", "--json", "--set", f"dataset={phantom}"], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"masksam_{paper}_paper: exit {done.returncode}\n{done.stderr[-2000:]}")
    groups, trains = {}, 0
    for one in json.loads(done.stdout):
        size = 1
        for extent in one["shape"]:
            size *= extent
        words = one["name"].split(".")
        group = words[1] if words[0] == "adapters" else words[0]
        groups[group] = groups.get(group, 0) + size
        trains += size if one["use"] == "trains" else 0
    return groups, trains


def main():
    for paper, facts in PAPERS.items():
        groups, trains = counted(sys.argv[1], paper)
        print(f"{paper}: {trains:,} of {sum(groups.values()):,} parameters train; " + ", ".join(f"{name} {count:,}" for name, count in groups.items()))
        for name, count in expected(*facts).items():
            if groups.get(name) != count:
                sys.exit(f"{paper}: {name} has {groups.get(name)} parameters, expected {count}")


if __name__ == "__main__":
    main()
