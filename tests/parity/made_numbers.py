"""Numbers that any language makes the same way, so that large weights need no file. C++: tests/support/made_numbers.hpp."""
import math

import numpy as np

MASK = 0xFFFFFFFF


def made(index, shape, low, high):
    """Numbers between low and high: a hash of the position, in whole numbers."""
    x = np.arange(math.prod(shape), dtype=np.int64) + index * 0x9E3779B1
    for factor in (0x45D9F3B, 0x45D9F3B):
        x = (x & MASK) ^ ((x & MASK) >> 16)
        x = (x * factor) & MASK
    x = x ^ (x >> 16)
    return (low + (high - low) * x.astype(np.float64) / 2.0**32).astype(np.float32).reshape(shape)
