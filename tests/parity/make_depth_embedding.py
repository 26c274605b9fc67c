"""Values of the depth embedding for adapters/depth_embedding/depth_embedding_test.cpp, slice by slice in numpy.

Run: python tests/parity/make_depth_embedding.py   (numpy, safetensors)
Encoder: row (b, t) of the tokens [B*T, h, w, C] gets vector t of [1, T, C]. Decoder: the shared table [1, h, w, C] becomes
one per slice; row (b, t) is the table plus map t of [T, C, h, w].
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file

B, T, H, W, C = 2, 3, 2, 4, 5
random = np.random.default_rng(13)
vectors, maps = random.normal(0, 1, (1, T, C)), random.normal(0, 1, (T, C, H, W))
tokens, table = random.normal(0, 1, (B * T, H, W, C)), random.normal(0, 1, (1, H, W, C))
moved, per_slice = np.empty_like(tokens), np.empty((B * T, H, W, C))
for b in range(B):
    for t in range(T):
        for y in range(H):
            for x in range(W):
                moved[b * T + t, y, x] = tokens[b * T + t, y, x] + vectors[0, t]
                per_slice[b * T + t, y, x] = table[0, y, x] + maps[t, :, y, x]
out = {"vectors": vectors, "maps": maps, "tokens": tokens, "table": table, "tokens.moved": moved, "table.per_slice": per_slice}
file = pathlib.Path(__file__).with_name("depth_embedding.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
