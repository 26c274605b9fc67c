"""What tests of the program share: running it, comparing run folders bit for bit, writing plain volumes."""

import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path


def start(lamina, *words):
    """Starts the program in a process group of its own, so that a kill reaches its children too."""
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    return subprocess.Popen([lamina, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=environment, start_new_session=True)


def run(lamina, *words, expect=0):
    """Runs to the end; stops the test when the exit code is another. Returns the output."""
    process = start(lamina, *words)
    output, _ = process.communicate()
    if process.returncode != expect:
        sys.exit(f"lamina {' '.join(map(str, words))}: exit {process.returncode}, expected {expect}\n{output[-4000:]}")
    return output


def read_tensors(file):
    """name -> (dtype, shape, bytes) of a safetensors file; its metadata (times) are left out."""
    data = Path(file).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    body = data[8 + length:]
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])])
            for name, entry in header.items() if name != "__metadata__"}


def write_tensors(file, tensors):
    """The way back."""
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    Path(file).write_bytes(struct.pack("<Q", len(text)) + text + body)


def tensor_hashes(file):
    """name -> SHA-256 of every tensor."""
    return {name: hashlib.sha256(data).hexdigest() for name, (_, _, data) in read_tensors(file).items()}


def fingerprint(study):
    """Everything of a study that must be bit-equal between two ways of getting there."""
    found = {}
    for run_folder in sorted(path for path in Path(study).iterdir() if (path / "status.json").exists()):
        for pointer in ("last", "best"):
            target = (run_folder / "checkpoints" / pointer).read_text().strip()
            found[f"{run_folder.name}/{pointer}"] = tensor_hashes(run_folder / "checkpoints" / target)
        found[f"{run_folder.name}/metrics"] = (run_folder / "metrics.csv").read_text()
        for prediction in sorted((run_folder / "predictions").iterdir()):
            found[f"{run_folder.name}/{prediction.name}"] = hashlib.sha256(prediction.read_bytes()).hexdigest()
    if not found:
        sys.exit(f"no finished run in {study}")
    return found


def require_equal(got, expected, what):
    """Stops the test naming the first differences."""
    different = [key for key in sorted(set(got) | set(expected)) if got.get(key) != expected.get(key)]
    if different:
        sys.exit(f"{what}: differs from the uninterrupted run in {different[:5]}")


def write_nifti(file, size, value):
    """A plain uncompressed float32 NIfTI volume of size (z, y, x) at 1 mm; value(z) -> bytes of one slice."""
    depth, height, width = size
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, width, height, depth, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 16, 32)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<ff", header, 108, 352, 1)
    header[123] = 2  # mm
    struct.pack_into("<hh", header, 252, 1, 0)
    header[344:348] = b"n+1\0"
    with open(file, "wb") as out:
        out.write(header + b"\0\0\0\0")
        for z in range(depth):
            out.write(value(z))
