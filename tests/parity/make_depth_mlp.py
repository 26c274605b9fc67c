"""Values of the depth-perceptron adapter for adapters/depth_mlp/depth_mlp_test.cpp, from its formulas in numpy.

Run: python tests/parity/make_depth_mlp.py   (numpy, scipy, safetensors)
u = GELU(W1 x + b1); t = V2 GELU(V1 u + c1) + c2 along the slices; y = W2 (u + t) + b2
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file
from scipy.special import erf

B, D, Q, N, C, HIDDEN = 2, 3, 4, 5, 16, 4


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def branch(x, w):
    """x [B, D, Q, ..., C]; slices are axis 1"""
    u = gelu(x @ w["D_fc1.weight"].T + w["D_fc1.bias"])
    along = np.moveaxis(u, 1, -1)  # [B, Q, ..., H, D]
    wide = gelu(along @ w["T_fc1.weight"].T + w["T_fc1.bias"])
    t = np.moveaxis(wide @ w["T_fc2.weight"].T + w["T_fc2.bias"], -1, 1)
    return (u + t) @ w["D_fc2.weight"].T + w["D_fc2.bias"]


random = np.random.default_rng(12)
shapes = {"D_fc1.weight": (HIDDEN, C), "D_fc1.bias": (HIDDEN,), "T_fc1.weight": (4 * D, D), "T_fc1.bias": (4 * D,),
          "T_fc2.weight": (D, 4 * D), "T_fc2.bias": (D,), "D_fc2.weight": (C, HIDDEN), "D_fc2.bias": (C,)}
weights = {name: random.normal(0, 0.5, shape).astype(np.float32).astype(np.float64) for name, shape in shapes.items()}


def drawn(*shape):
    return random.normal(0, 1, shape).astype(np.float32).astype(np.float64)


tokens, layer_input = drawn(B, D, Q, N, C), drawn(B, D, Q, N, C)  # prompts: rows (batch, depth, query), query fastest
grid = drawn(B, D, Q, 2, 3, C)                                    # windows: rows (batch, depth, window)
out = {f"weights.{name}": tensor for name, tensor in weights.items()}
out["tokens"] = tokens.reshape(B * D * Q, N, C)
out["layer_input"] = layer_input.reshape(B * D * Q, N, C)
out["grid"] = grid.reshape(B * D * Q, 2, 3, C)
out["tokens.serial"] = out["tokens"] + branch(tokens, weights).reshape(out["tokens"].shape)
out["tokens.parallel_half"] = out["tokens"] + 0.5 * branch(layer_input, weights).reshape(out["tokens"].shape)
out["grid.serial"] = out["grid"] + branch(grid, weights).reshape(out["grid"].shape)
file = pathlib.Path(__file__).with_name("depth_mlp.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
