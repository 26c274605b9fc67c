#!/usr/bin/env python3
"""`lamina segment` and `lamina embed` from outside, with a small SAM of random weights: files they write, numbers that agree,
what an interrupted `embed` leaves, words for wrong input.

usage: segment_test.py LAMINA
"""

import json
import struct
import sys
import tempfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from program import read_tensors, run
from sandbox import write_volume

SMALL = """{"encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 32, "depth": 2, "heads": 2, "patch_size": 8, "window": 3,
                        "global_blocks": [1], "out_channels": 24},
            "decoder": {"type": "sam_mask", "heads": 3, "mlp_channels": 40}}"""


def write_png(path, height, width):
    rows = b"".join(b"\0" + bytes((x * 5 + y * 3 + c * 40) % 256 for x in range(width) for c in range(3)) for y in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def png_size(path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def prompts_on_a_picture(lamina, folder, sam):
    picture = write_png(folder / "picture.png", 40, 56)
    words = ["segment", picture, *sam, "--point", "20,10", "--point", "50,30,0", "--box", "5,5,40,35"]
    found = json.loads(run(lamina, *words, "--multimask", "--overlay", folder / "overlay.png", "--output", folder / "labels.png",
                           "--coco", folder / "masks.json", "--json", "--log-level", "error"))
    (mask,) = found["annotations"]
    if mask["segmentation"]["size"] != [40, 56] or sum(mask["segmentation"]["counts"]) != 40 * 56:
        sys.exit(f"the runs do not fill the picture: {mask}")
    if mask["area"] != sum(mask["segmentation"]["counts"][1::2]):
        sys.exit(f"the area is not that of the runs: {mask}")
    if png_size(folder / "overlay.png") != (56, 40) or png_size(folder / "labels.png") != (56, 40):
        sys.exit("pictures of another size than the image's")
    if json.loads((folder / "masks.json").read_text()) != found:
        sys.exit("--coco and --json differ")
    two = json.loads(run(lamina, "segment", picture, *sam, "--box", "5,5,40,35", "--box", "1,1,9,9", "--json", "--log-level", "error"))
    if len(two["annotations"]) != 2:
        sys.exit("two boxes are two objects")
    run(lamina, "segment", picture, *sam, "--mask", folder / "labels.png", "--overlay", folder / "again.png")
    everything = json.loads(run(lamina, "segment", picture, *sam, "--everything", "--set", "points=4", "--set", "quality=0", "--set",
                                "stability=0", "--set", "crop_layers=1", "--json", "--log-level", "error"))
    if not everything["annotations"] or "stability_score" not in everything["annotations"][0]:
        sys.exit(f"--everything found nothing: {everything}")
    return picture


def embeddings_of_a_volume(lamina, folder, sam):
    volume = folder / "volume.nii.gz"
    write_volume(volume, lambda z, y, x: float((z * 7 + y * 3 + x) % 50), (5, 12, 16))
    file = folder / "volume.safetensors"
    run(lamina, "embed", volume, *sam, "--axes", "z,x", "--dtype", "f32", "--output", file)
    tensors = read_tensors(file)
    if {name: one[1] for name, one in tensors.items()} != {"axis0/features": [5, 24, 8, 8], "axis2/features": [16, 24, 8, 8]}:
        sys.exit(f"embeddings of other shapes: { {name: one[1] for name, one in tensors.items()} }")
    words = ["segment", volume, *sam, "--box", "2,2,10,9", "--json", "--log-level", "error"]
    for axis, box in (("z", "all"), ("x", "3")):
        plain = run(lamina, *words, "--axis", axis, "--slice", box)
        if run(lamina, *words, "--axis", axis, "--slice", box, "--embeddings", file) != plain:
            sys.exit(f"embeddings along {axis} answer otherwise than the image")
    run(lamina, *words, "--slice", "all", "--output", folder / "labels.nii.gz", "--overlay", folder / "slices" / "cut.png")
    if len(list((folder / "slices").glob("cut_*.png"))) != 5:
        sys.exit("not one overlay a slice")
    output = run(lamina, *words[:-3], "--slice", "0", "--embeddings", file, "--percentiles", "2,98", expect=2)
    if "grey levels" not in output or "Error" in output:
        sys.exit(f"embeddings of other grey levels: {output}")
    return volume, file


def interrupted(lamina, folder, sam, volume, whole):
    """A part that was left is gone on with, and the end is the same."""
    file = folder / "pieces.safetensors"
    content = whole.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    part = Path(str(file) + ".part")
    part.write_bytes(content[:8 + length + 3 * 24 * 8 * 8 * 4 + 17])  # three slices and a bit
    output = run(lamina, "embed", volume, *sam, "--axes", "z,x", "--dtype", "f32", "--output", file)
    if "behind slice 3" not in output or file.read_bytes() != content or part.exists():
        sys.exit(f"an interrupted embedding does not go on: {output}")
    part.write_bytes(content[:100])
    run(lamina, "embed", volume, *sam, "--axes", "z", "--dtype", "f16", "--output", file)
    if read_tensors(file)["axis0/features"][:2] != ("F16", [5, 24, 8, 8]):
        sys.exit("a part of something else was gone on with")


def refusals(lamina, folder, sam, picture, volume):
    cases = [
        (["segment", picture, *sam], "what shall be segmented?"),
        (["segment", picture, *sam, "--point", "900,3"], "lies outside the slice, which has 56 x 40 pixels"),
        (["segment", picture, *sam, "--point", "3"], "--point: got '3'; expected 2 or 3 numbers"),
        (["segment", picture, *sam, "--box", "9,9,1,1"], "upper left corner first"),
        (["segment", picture, *sam, "--point", "3,3", "--everything"], "--everything asks a grid of its own"),
        (["segment", picture, *sam, "--everything", "--set", "pionts=3"], "points"),
        (["segment", volume, *sam, "--point", "3,3"], "give --slice N (0 to 4) or --slice all"),
        (["segment", volume, *sam, "--point", "3,3", "--slice", "9"], "expected 0 to 4, or all"),
        (["segment", volume, *sam, "--point", "3,3", "--slice", "1", "--window", "40,0"], "width > 0"),
        (["segment", picture, "--model", "sam_vit_g", "--seed", "1", "--point", "3,3"], "did you mean 'sam_vit_"),
        (["segment", picture, "--model", sam[1], "--point", "3,3"], "there are no weights"),
        (["segment", folder / "none.png", *sam, "--point", "3,3"], "none.png"),
        (["segment", picture, *sam, "--mask", volume], "expected one slice of 40 x 56"),
        (["segment", volume, *sam, "--point", "3,3", "--slice", "1", "--embeddings", picture], "damaged"),
        (["embed", volume, *sam, "--output", folder / "x.safetensors", "--axes", "w"], "expected z, y or x"),
        (["embed", volume, *sam, "--output", folder / "x.safetensors", "--dtype", "f64"], "expected f16 or f32"),
        (["embed", volume, *sam, "--output", folder / "none" / "x.safetensors"], "cannot write"),
    ]
    for words, expected in cases:
        output = run(lamina, *words, expect=1 if expected == "cannot write" else 2)
        if expected not in output:
            sys.exit(f"{' '.join(map(str, words))}: '{expected}' is not said:\n{output}")


def main():
    lamina = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small.json").write_text(SMALL)
        sam = ["--model", folder / "small.json", "--size", "64", "--seed", "3", "--threads", "1"]
        picture = prompts_on_a_picture(lamina, folder, sam)
        volume, embeddings = embeddings_of_a_volume(lamina, folder, sam)
        interrupted(lamina, folder, sam, volume, embeddings)
        refusals(lamina, folder, sam, picture, volume)
    print("segment and embed: files agree, refusals are in words")


if __name__ == "__main__":
    main()
