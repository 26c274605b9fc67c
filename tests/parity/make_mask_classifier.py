"""Values of the decoder `mask_classifier` for decoders/mask_classifier/mask_classifier_test.cpp, from its formulas in numpy.

Run: python tests/parity/make_mask_classifier.py   (numpy, scipy, safetensors)
Nothing of lamina or segment-anything is used: SAM's decoder is written down here once more, in float64, channels last.
Tokens of a query: quality, 4 masks, 2 box corners, classifier (learned + the prompter's). The first mask token gives the mask,
the last token the class. Queries are ordered (case, slice, query).
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file

import formulas as f
from formulas import gelu, norm, resize, sigmoid, softmax, split

B, D, Q, C, HEADS, MLP, CLASSES, HIDDEN = 2, 2, 3, 16, 2, 24, 3, 4
GRID, STRIDE = (2, 3), 8
SIZE = (GRID[0] * STRIDE, GRID[1] * STRIDE)
N = B * D * Q
draw = f.Draw(5)


def weight_shapes():
    shapes = f.prompt_encoder_shapes(C) | f.transformer_shapes("transformer", C, MLP)
    shapes |= {"iou_token.weight": (1, C), "mask_tokens.weight": (4, C)} | f.upscaling_shapes("output_upscaling", C)
    for i in range(4):
        shapes |= f.mlp_shapes(f"output_hypernetworks_mlps.{i}", C, C, C, C // 8)
    shapes |= f.mlp_shapes("iou_prediction_head", C, C, C, 4)
    return shapes | {"classifier_token_Adapter.weight": (1, C)} | f.linear_shapes("classifier_embed_Adapter", C, CLASSES + 1)


W = draw.weights(weight_shapes())
PLACES = W["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"]


def merge(x, name):
    """Conv2d with kernel and stride 2, [N, h, w, C]"""
    patches = np.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -2)  # [N, h, w, 4, C]
    kernel = W[f"{name}.weight"].transpose(2, 3, 1, 0).reshape(4, x.shape[-1], -1)
    return np.einsum("nhwkc,kco->nhwo", patches, kernel) + W[f"{name}.bias"]


def decode(embedding, boxes, mask_logits, class_tokens, centre):
    """-> tokens behind layer 0, layer 1 and the end, and the upscaled image"""
    corners = f.fourier((boxes.reshape(N, 2, 2) + centre) / np.array([SIZE[1], SIZE[0]]), PLACES)
    corners = corners + np.concatenate([W["prompt_encoder.point_embeddings.2.weight"], W["prompt_encoder.point_embeddings.3.weight"]])
    own = np.concatenate([W["iou_token.weight"], W["mask_tokens.weight"]])
    first = np.concatenate([np.broadcast_to(own, (N, 5, C)), corners, W["classifier_token_Adapter.weight"] + class_tokens], 1)
    down = "prompt_encoder.mask_downscaling"
    dense = gelu(norm(W, merge(mask_logits.transpose(0, 2, 3, 1), f"{down}.0"), f"{down}.1", 1e-6))
    dense = gelu(norm(W, merge(dense, f"{down}.3"), f"{down}.4", 1e-6))
    dense = f.conv(W, dense, f"{down}.6")
    keys = (np.repeat(embedding.transpose(0, 2, 3, 1), Q, 0) + dense).reshape(N, -1, C)
    tokens, keys, layers = f.two_way(W, first, keys, f.grid_places(GRID, PLACES), "transformer", HEADS)
    return layers + [tokens], f.upscale(W, keys.reshape(N, *GRID, C), "output_upscaling")


def masks_of(tokens, pixels):
    return np.einsum("nc,nhwc->nhw", f.mlp(W, tokens[:, 1], "output_hypernetworks_mlps.0"), pixels)


def conv3d(x, weight, bias):
    """Kernel 3, zero padding, [B, C, D, h, w]"""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1), (1, 1)))
    out = 0
    for i, j, k in np.ndindex(3, 3, 3):
        window = padded[:, :, i:i + x.shape[2], j:j + x.shape[3], k:k + x.shape[4]]
        out = out + np.einsum("bcdhw,oc->bodhw", window, weight[:, :, i, j, k])
    return out + bias.reshape(1, -1, 1, 1, 1)


def instance_norm(x, weight, bias):
    centred = x - x.mean((2, 3, 4), keepdims=True)
    shape = (1, -1, 1, 1, 1)
    return centred / np.sqrt((centred**2).mean((2, 3, 4), keepdims=True) + 1e-5) * weight.reshape(shape) + bias.reshape(shape)


def split_volume(x, weight, bias):
    """ConvTranspose3d with kernel and stride (1, 2, 2)"""
    flat = x.transpose(0, 2, 3, 4, 1).reshape(-1, *x.shape[3:], x.shape[1])
    out = split(flat, weight[:, :, 0], bias)
    return out.reshape(x.shape[0], x.shape[2], *out.shape[1:]).transpose(0, 4, 1, 2, 3)


def head_weights(doublings):
    sizes, index = {"0": (HIDDEN, Q, 3, 3, 3)}, 1
    for _ in range(max(doublings, 1)):
        if doublings:
            sizes[str(index)] = (HIDDEN, HIDDEN, 1, 2, 2)
            index += 1
        sizes[str(index)] = (HIDDEN,)
        index += 2
    sizes[str(index)] = (Q, HIDDEN, 3, 3, 3)
    return {f"{i}.{part}": draw(*(shape if part == "weight" else shape[:1])) for i, shape in sizes.items() for part in ("weight", "bias")}


def volume_head(masks, weights):
    """[N, h, w] of all queries through 3D convolutions"""
    x = masks.reshape(B, D, Q, *masks.shape[1:]).transpose(0, 2, 1, 3, 4)
    for i in sorted({int(name.split(".")[0]) for name in weights}):
        weight, bias = weights[f"{i}.weight"], weights[f"{i}.bias"]
        if weight.ndim == 1:
            x = gelu(instance_norm(x, weight, bias))
        elif weight.shape[2] == 1:
            x = split_volume(x, weight, bias)
        else:
            x = conv3d(x, weight, bias)
    return x.transpose(0, 2, 1, 3, 4).reshape(N, *x.shape[3:])


def combine(masks, classes):
    """[N, H, W], [N, K + 1] -> [B, K, D, H, W]"""
    score = np.einsum("bdqk,bdqhw->bkdhw", softmax(classes)[:, :-1].reshape(B, D, Q, -1), sigmoid(masks).reshape(B, D, Q, *SIZE))
    return score


embedding, class_tokens = draw(B * D, C, *GRID, scale=1), draw(N, 1, C, scale=1)
mask_logits = draw(N, 1, 4 * GRID[0], 4 * GRID[1], scale=4)
corner = draw.random.uniform(0, 8, (N, 2))
boxes = np.concatenate([corner, corner + draw.random.uniform(1, 8, (N, 2))], 1).astype(np.float32).astype(np.float64)
out = {f"weights.{name}": tensor for name, tensor in W.items()}
out |= {"embedding": embedding, "class_tokens": class_tokens, "mask_logits": mask_logits, "boxes": boxes}

(layer0, layer1, tokens), pixels = decode(embedding, boxes, mask_logits, class_tokens, 0.5)
low_res, classes = masks_of(tokens, pixels), f.linear(W, tokens[:, -1], "classifier_embed_Adapter")
out |= {"low_res": low_res, "query_classes": classes, "bilinear.query_masks": resize(low_res, SIZE)}
out["bilinear.classes"] = combine(resize(low_res, SIZE), classes)
out["ignored.classes"] = np.concatenate([np.full((B, 1, D, *SIZE), 0.5), combine(resize(low_res, SIZE), classes)], 1)
for i, layer in enumerate((layer1, layer0)):  # the last layer first
    out |= {f"stages.{i}.query_masks": resize(masks_of(layer, pixels), SIZE), f"stages.{i}.query_classes": f.linear(W, layer[:, -1], "classifier_embed_Adapter")}
heads = {"conv3d": head_weights(1), "mixed": head_weights(0), "conv3d_release": head_weights(2)}
out["conv3d.query_masks"] = volume_head(low_res, heads["conv3d"])
out["mixed.query_masks"] = resize(low_res + volume_head(low_res, heads["mixed"]), SIZE)

# The release: half a pixel of SAM's input of 16 pixels per cell, and masks by way of that input's size.
(_, _, tokens), pixels = decode(embedding, boxes, mask_logits, class_tokens, 0.5 * STRIDE / 16)
low_res = masks_of(tokens, pixels)
out["release.query_classes"] = f.linear(W, tokens[:, -1], "classifier_embed_Adapter")
out["release.query_masks"] = resize(resize(low_res, (16 * GRID[0], 16 * GRID[1])), SIZE)
out["conv3d_release.query_masks"] = resize(volume_head(low_res, heads["conv3d_release"]), SIZE)
out |= {f"heads.{name}.{part}": tensor for name, weights in heads.items() for part, tensor in weights.items()}
assert out["bilinear.query_masks"].std() > 0.5 and classes.std(0).min() > 0.1, "without spread nothing would be compared"

file = pathlib.Path(__file__).with_name("mask_classifier.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes; SD of masks and classes", out["bilinear.query_masks"].std(), classes.std(0))
