"""Values of the decoders `linear_head`, `cnn_head` and `vit_head` for decoders/light_heads/light_heads_test.cpp, from their formulas.

Run: python tests/parity/make_light_heads.py   (numpy, scipy, safetensors)
Two slices of one case, embeddings of 16 channels on 2 x 3 cells of 8 pixels, 3 classes; logits before and behind the resizing to the
patch of 16 x 24 pixels.
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file

import formulas as f

SLICES, C, CLASSES, GRID, SIZE = 2, 16, 3, (2, 3), (16, 24)
HEADS, MLP, CNN_CHANNELS = 2, 24, 2
draw = f.Draw(11)
embedding = draw(SLICES, C, *GRID, scale=1)
image = embedding.transpose(0, 2, 3, 1)
out = {"embedding": embedding}


def keep(name, weights, logits):
    """logits [S, h, w, K]"""
    logits = logits.transpose(0, 3, 1, 2)
    assert logits.std() > 0.3, (name, logits.std())
    out.update({f"{name}.weights.{key}": tensor for key, tensor in weights.items()})
    out[f"{name}.low_res"] = logits
    out[f"{name}.classes"] = f.resize(logits, SIZE).transpose(1, 0, 2, 3)[None]  # [B, K, D, H, W]


def linear_head():
    shapes = f.upscaling_shapes("output_upscaling", C) | f.conv_shapes("final.0", C // 8, C // 8, 1) | f.conv_shapes("final.2", C // 8, CLASSES, 1)
    w = draw.weights(shapes)
    w["final.2.weight"] *= 4
    logits = f.conv(w, f.relu(f.conv(w, f.upscale(w, image, "output_upscaling"), "final.0")), "final.2")
    keep("linear", w, logits)
    out["linear.release.low_res"] = f.relu(logits).transpose(0, 3, 1, 2)


def cnn_head(depth):
    width = CNN_CHANNELS * 2**depth
    shapes = f.conv_shapes("input_block.0", C, width, 1) | f.conv_shapes("input_block.2", width, width, 1)
    kinds = ["plain" if depth > 2 and i < 2 else "up" for i in range(depth)]
    for i, kind in enumerate(kinds):
        shapes |= f.conv_shapes(f"blocks.{i}.0", width, width, 3)
        shapes |= f.conv_shapes(f"blocks.{i}.2", width, width // 2 if kind == "plain" else width, 3)
        if kind == "up":
            shapes |= f.conv_shapes(f"blocks.{i}.4", width, width // 2, 2, True)
        width //= 2
    shapes |= f.conv_shapes("final.0", width, width, 3) | f.conv_shapes("final.1", width, CLASSES, 1)
    # Numbers stay around 1 through all convolutions.
    w = {name: tensor * (2.8 / np.sqrt(tensor[0].size) if tensor.ndim == 4 else 0.4) for name, tensor in draw.weights(shapes).items()}
    x = image
    for name in ("input_block.0", "input_block.2"):
        x = f.relu(f.conv(w, x, name))
    for i, kind in enumerate(kinds):
        for part in ("0", "2"):
            x = f.relu(f.conv(w, x, f"blocks.{i}.{part}"))
        if kind == "up":
            x = f.split(x, w[f"blocks.{i}.4.weight"], w[f"blocks.{i}.4.bias"])
    keep(f"cnn{depth}", w, f.conv(w, f.conv(w, x, "final.0"), "final.1"))


def vit_head():
    shapes = {"pe_layer.positional_encoding_gaussian_matrix": (2, C // 2), "iou_token.weight": (CLASSES, C), "mask_tokens.weight": (2 * CLASSES, C)}
    shapes |= f.transformer_shapes("transformer", C, MLP) | f.upscaling_shapes("output_upscaling", C)
    for i in (0, 1):
        shapes |= f.mlp_shapes(f"output_hypernetworks_mlps.{i}", C, C, C, C // 8)
    shapes |= f.mlp_shapes("iou_prediction_head", C, C, C, 2)
    w = draw.weights(shapes)
    place = f.grid_places(GRID, w["pe_layer.positional_encoding_gaussian_matrix"])
    planes = []
    for c in range(CLASSES):  # every class by itself
        own = np.concatenate([w["iou_token.weight"][c:c + 1], w["mask_tokens.weight"][2 * c:2 * c + 2]])
        tokens, keys, _ = f.two_way(w, np.broadcast_to(own, (SLICES, 3, C)), image.reshape(SLICES, -1, C), place, "transformer", HEADS)
        pixels = f.upscale(w, keys.reshape(SLICES, *GRID, C), "output_upscaling")
        planes.append(np.einsum("nc,nhwc->nhw", f.mlp(w, tokens[:, 1], "output_hypernetworks_mlps.0"), pixels))
    keep("vit", w, np.stack(planes, -1))


linear_head()
cnn_head(2)
cnn_head(3)
vit_head()
file = pathlib.Path(__file__).with_name("light_heads.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
