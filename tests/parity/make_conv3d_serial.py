"""Values of the adapter conv3d_serial for adapters/conv3d_serial/conv3d_serial_test.cpp, from its formulas in numpy.

Run: python tests/parity/make_conv3d_serial.py   (numpy, scipy, safetensors)
y = x + W2 GELU(Conv3d_(3,1,1)(W1 LayerNorm(x))): the convolution is a sum over three slices, zeros beyond the ends.
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file
from scipy.special import erf

B, D, Q, H, W, C, HIDDEN = 2, 3, 2, 2, 3, 8, 6


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def layer_norm(x, weight, bias):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-6) * weight + bias


def branch(x, w):
    """x [B, D, ..., C]"""
    u = layer_norm(x, w["adapter_norm.weight"], w["adapter_norm.bias"]) @ w["adapter_linear_down.weight"].T
    kernel = w["adapter_conv.weight"][:, :, :, 0, 0]  # [out, in, 3]
    mixed = np.zeros_like(u) + w["adapter_conv.bias"]
    for slice_ in range(D):
        for tap in range(3):
            source = slice_ + tap - 1
            if 0 <= source < D:
                mixed[:, slice_] += u[:, source] @ kernel[:, :, tap].T
    return gelu(mixed) @ w["adapter_linear_up.weight"].T


random = np.random.default_rng(21)
shapes = {"adapter_norm.weight": (C,), "adapter_norm.bias": (C,), "adapter_linear_down.weight": (HIDDEN, C),
          "adapter_conv.weight": (HIDDEN, HIDDEN, 3, 1, 1), "adapter_conv.bias": (HIDDEN,), "adapter_linear_up.weight": (C, HIDDEN)}
weights = {name: random.normal(0, 0.5, shape).astype(np.float32).astype(np.float64) for name, shape in shapes.items()}
grid = random.normal(0, 1, (B, D, Q, H, W, C)).astype(np.float32).astype(np.float64)  # rows (batch, depth, query)
result = grid + branch(grid, weights)
out = {f"weights.{name}": tensor for name, tensor in weights.items()}
out["grid"], out["grid.output"] = (x.reshape(B * D * Q, H, W, C) for x in (grid, result))
volumes = [np.moveaxis(x[:, :, 0], -1, 1) for x in (grid, result)]  # [B, C, D, H, W]
out["volume"], out["volume.output"] = volumes
file = pathlib.Path(__file__).with_name("conv3d_serial.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
