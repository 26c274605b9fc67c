"""Values of the depth-convolution adapter for adapters/depth_conv/depth_conv_test.cpp, from its formulas in numpy.

Run: python tests/parity/make_depth_conv.py   (numpy, scipy, safetensors)
u = GELU(W1 x + b1); t = GELU(LayerNorm(DepthwiseConv3d(u))); y = W2 (u + t) + b2
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file
from scipy.special import erf

# W: windows per slice. Four hidden channels: over two, the norm of nearly equal values has no digits left in float32.
B, D, W, H_, W_, C, HIDDEN = 2, 3, 4, 4, 5, 16, 4


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def branch(x, w):
    """x [N, D, h, w, C]"""
    u = gelu(x @ w["D_fc1.weight"].T + w["D_fc1.bias"])
    padded = np.pad(u, ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))
    kernel = w["T_DWconv.weight"]  # [H, 1, 3, 3, 3]
    conv = np.zeros_like(u)
    for i, j, k in np.ndindex(3, 3, 3):
        conv += padded[:, i:i + u.shape[1], j:j + u.shape[2], k:k + u.shape[3]] * kernel[:, 0, i, j, k]
    conv += w["T_DWconv.bias"]
    centred = conv - conv.mean(-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * w["norm.weight"] + w["norm.bias"]
    return (u + gelu(normed)) @ w["D_fc2.weight"].T + w["D_fc2.bias"]


random = np.random.default_rng(11)
weights = {"D_fc1.weight": (HIDDEN, C), "D_fc1.bias": (HIDDEN,), "T_DWconv.weight": (HIDDEN, 1, 3, 3, 3), "T_DWconv.bias": (HIDDEN,),
           "norm.weight": (HIDDEN,), "norm.bias": (HIDDEN,), "D_fc2.weight": (C, HIDDEN), "D_fc2.bias": (C,)}
weights = {name: random.normal(0, 0.7, shape).astype(np.float32).astype(np.float64) for name, shape in weights.items()}
volume = random.normal(0, 1, (B, C, D, H_, W_))
grid = random.normal(0, 1, (B * D * W, H_, W_, C))  # rows (batch, depth, window), window fastest
layer_input = random.normal(0, 1, grid.shape)

out = {f"weights.{name}": tensor for name, tensor in weights.items()}
out |= {"volume": volume, "grid": grid, "layer_input": layer_input}
out["volume.serial"] = volume + branch(volume.transpose(0, 2, 3, 4, 1), weights).transpose(0, 4, 1, 2, 3)
true_depth = grid.reshape(B, D, W, H_, W_, C).transpose(0, 2, 1, 3, 4, 5).reshape(B * W, D, H_, W_, C)
mixed = branch(true_depth, weights).reshape(B, W, D, H_, W_, C).transpose(0, 2, 1, 3, 4, 5).reshape(grid.shape)
out["grid.serial"] = grid + mixed
out["grid.release"] = grid + branch(grid.reshape(-1, D, H_, W_, C), weights).reshape(grid.shape)
parallel = layer_input.reshape(B, D, W, H_, W_, C).transpose(0, 2, 1, 3, 4, 5).reshape(B * W, D, H_, W_, C)
parallel = branch(parallel, weights).reshape(B, W, D, H_, W_, C).transpose(0, 2, 1, 3, 4, 5).reshape(grid.shape)
out["grid.parallel_half"] = grid + 0.5 * parallel
file = pathlib.Path(__file__).with_name("depth_conv.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
