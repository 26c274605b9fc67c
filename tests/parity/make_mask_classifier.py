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
from scipy.special import erf

B, D, Q, C, HEADS, MLP, CLASSES, HIDDEN = 2, 2, 3, 16, 2, 24, 3, 4
GRID, STRIDE = (2, 3), 8
SIZE = (GRID[0] * STRIDE, GRID[1] * STRIDE)
N = B * D * Q
random = np.random.default_rng(5)


def draw(*shape, scale=0.5):
    return random.normal(0, scale, shape).astype(np.float32).astype(np.float64)


def linear_names(name, inner, outer):
    return {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}


def attention_names(name, inner):
    parts = {}
    for part in ("q_proj", "k_proj", "v_proj"):
        parts |= linear_names(f"{name}.{part}", C, inner)
    return parts | linear_names(f"{name}.out_proj", inner, C)


def weight_shapes():
    shapes = {"prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": (2, C // 2)}
    shapes |= {f"prompt_encoder.{name}.weight": (1, C) for name in
               ("point_embeddings.0", "point_embeddings.1", "point_embeddings.2", "point_embeddings.3", "not_a_point_embed", "no_mask_embed")}
    for index, shape in {"0": (4, 1, 2, 2), "1": (4,), "3": (16, 4, 2, 2), "4": (16,), "6": (C, 16, 1, 1)}.items():
        shapes |= {f"prompt_encoder.mask_downscaling.{index}.weight": shape, f"prompt_encoder.mask_downscaling.{index}.bias": shape[:1]}
    for layer in ("transformer.layers.0", "transformer.layers.1"):
        shapes |= attention_names(f"{layer}.self_attn", C)
        shapes |= attention_names(f"{layer}.cross_attn_token_to_image", C // 2) | attention_names(f"{layer}.cross_attn_image_to_token", C // 2)
        shapes |= linear_names(f"{layer}.mlp.lin1", C, MLP) | linear_names(f"{layer}.mlp.lin2", MLP, C)
        for norm in "1234":
            shapes |= {f"{layer}.norm{norm}.weight": (C,), f"{layer}.norm{norm}.bias": (C,)}
    shapes |= attention_names("transformer.final_attn_token_to_image", C // 2)
    shapes |= {"transformer.norm_final_attn.weight": (C,), "transformer.norm_final_attn.bias": (C,)}
    shapes |= {"iou_token.weight": (1, C), "mask_tokens.weight": (4, C)}
    shapes |= {"output_upscaling.0.weight": (C, C // 4, 2, 2), "output_upscaling.0.bias": (C // 4,), "output_upscaling.1.weight": (C // 4,),
               "output_upscaling.1.bias": (C // 4,), "output_upscaling.3.weight": (C // 4, C // 8, 2, 2), "output_upscaling.3.bias": (C // 8,)}
    for i in range(4):
        for layer, width in enumerate((C, C, C // 8)):
            shapes |= linear_names(f"output_hypernetworks_mlps.{i}.layers.{layer}", C, width)
    for layer, width in enumerate((C, C, 4)):
        shapes |= linear_names(f"iou_prediction_head.layers.{layer}", C, width)
    return shapes | {"classifier_token_Adapter.weight": (1, C)} | linear_names("classifier_embed_Adapter", C, CLASSES + 1)


W = {name: draw(*shape) + (1 if "norm" in name and name.endswith("weight") else 0) for name, shape in weight_shapes().items()}


def linear(x, name):
    return x @ W[f"{name}.weight"].T + W[f"{name}.bias"]


def norm(x, name, eps):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * W[f"{name}.weight"] + W[f"{name}.bias"]


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def attention(q, k, v, name):
    heads = lambda x: x.reshape(x.shape[0], x.shape[1], HEADS, -1).transpose(0, 2, 1, 3)
    q, k, v = (heads(linear(x, f"{name}.{part}")) for x, part in ((q, "q_proj"), (k, "k_proj"), (v, "v_proj")))
    mixed = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])) @ v
    return linear(mixed.transpose(0, 2, 1, 3).reshape(mixed.shape[0], mixed.shape[2], -1), f"{name}.out_proj")


def fourier(xy):
    """(x, y) in 0..1"""
    angle = 2 * np.pi * ((2 * xy - 1) @ W["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"])
    return np.concatenate([np.sin(angle), np.cos(angle)], -1)


def merge(x, name):
    """Conv2d with kernel and stride 2, [N, h, w, C]"""
    patches = np.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -2)  # [N, h, w, 4, C]
    kernel = W[f"{name}.weight"].transpose(2, 3, 1, 0).reshape(4, x.shape[-1], -1)
    return np.einsum("nhwkc,kco->nhwo", patches, kernel) + W[f"{name}.bias"]


def split(x, kernel, bias):
    """ConvTranspose2d with kernel and stride 2, [N, h, w, C], kernel [C, O, 2, 2]"""
    out = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[1]))
    for i, j in np.ndindex(2, 2):
        out[:, i::2, j::2] = x @ kernel[:, :, i, j]
    return out + bias


def resize(x, size):
    """Bilinear, align_corners false, of the last two axes."""
    for axis, length in ((-2, size[0]), (-1, size[1])):
        old = x.shape[axis]
        place = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, None)
        low = np.minimum(place.astype(int), old - 1)
        high, part = np.minimum(low + 1, old - 1), place - low
        shape = [1] * x.ndim
        shape[axis] = length
        x = np.take(x, low, axis) * (1 - part).reshape(shape) + np.take(x, high, axis) * part.reshape(shape)
    return x


def decode(embedding, boxes, mask_logits, class_tokens, centre):
    """-> tokens behind layer 0, layer 1 and the end, and the upscaled image"""
    corners = fourier((boxes.reshape(N, 2, 2) + centre) / np.array([SIZE[1], SIZE[0]]))
    corners = corners + np.concatenate([W["prompt_encoder.point_embeddings.2.weight"], W["prompt_encoder.point_embeddings.3.weight"]])
    own = np.concatenate([W["iou_token.weight"], W["mask_tokens.weight"]])
    first = np.concatenate([np.broadcast_to(own, (N, 5, C)), corners, W["classifier_token_Adapter.weight"] + class_tokens], 1)
    down = "prompt_encoder.mask_downscaling"
    dense = gelu(norm(merge(mask_logits.transpose(0, 2, 3, 1), f"{down}.0"), f"{down}.1", 1e-6))
    dense = gelu(norm(merge(dense, f"{down}.3"), f"{down}.4", 1e-6))
    dense = dense @ W[f"{down}.6.weight"][:, :, 0, 0].T + W[f"{down}.6.bias"]
    keys = (np.repeat(embedding.transpose(0, 2, 3, 1), Q, 0) + dense).reshape(N, -1, C)
    y, x = np.meshgrid((np.arange(GRID[0]) + 0.5) / GRID[0], (np.arange(GRID[1]) + 0.5) / GRID[1], indexing="ij")
    place = fourier(np.stack([x, y], -1)).reshape(1, -1, C)
    tokens, layers = first, []
    for i in (0, 1):
        layer = f"transformer.layers.{i}"
        if i == 0:
            tokens = attention(tokens, tokens, tokens, f"{layer}.self_attn")
        else:
            tokens = tokens + attention(tokens + first, tokens + first, tokens, f"{layer}.self_attn")
        tokens = norm(tokens, f"{layer}.norm1", 1e-5)
        tokens = norm(tokens + attention(tokens + first, keys + place, keys, f"{layer}.cross_attn_token_to_image"), f"{layer}.norm2", 1e-5)
        hidden = np.maximum(linear(tokens, f"{layer}.mlp.lin1"), 0)
        tokens = norm(tokens + linear(hidden, f"{layer}.mlp.lin2"), f"{layer}.norm3", 1e-5)
        keys = norm(keys + attention(keys + place, tokens + first, tokens, f"{layer}.cross_attn_image_to_token"), f"{layer}.norm4", 1e-5)
        layers.append(tokens)
    tokens = tokens + attention(tokens + first, keys + place, keys, "transformer.final_attn_token_to_image")
    tokens = norm(tokens, "transformer.norm_final_attn", 1e-5)
    up = "output_upscaling"
    pixels = split(keys.reshape(N, *GRID, C), W[f"{up}.0.weight"], W[f"{up}.0.bias"])
    pixels = split(gelu(norm(pixels, f"{up}.1", 1e-6)), W[f"{up}.3.weight"], W[f"{up}.3.bias"])
    return layers + [tokens], gelu(pixels)


def masks_of(tokens, pixels):
    hyper = tokens[:, 1]
    for layer in (0, 1, 2):
        hyper = linear(hyper, f"output_hypernetworks_mlps.0.layers.{layer}")
        hyper = np.maximum(hyper, 0) if layer < 2 else hyper
    return np.einsum("nc,nhwc->nhw", hyper, pixels)


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
corner = random.uniform(0, 8, (N, 2))
boxes = np.concatenate([corner, corner + random.uniform(1, 8, (N, 2))], 1).astype(np.float32).astype(np.float64)
out = {f"weights.{name}": tensor for name, tensor in W.items()}
out |= {"embedding": embedding, "class_tokens": class_tokens, "mask_logits": mask_logits, "boxes": boxes}

(layer0, layer1, tokens), pixels = decode(embedding, boxes, mask_logits, class_tokens, 0.5)
low_res, classes = masks_of(tokens, pixels), linear(tokens[:, -1], "classifier_embed_Adapter")
out |= {"low_res": low_res, "query_classes": classes, "bilinear.query_masks": resize(low_res, SIZE)}
out["bilinear.classes"] = combine(resize(low_res, SIZE), classes)
out["ignored.classes"] = np.concatenate([np.full((B, 1, D, *SIZE), 0.5), combine(resize(low_res, SIZE), classes)], 1)
for i, layer in enumerate((layer1, layer0)):  # the last layer first
    out |= {f"stages.{i}.query_masks": resize(masks_of(layer, pixels), SIZE), f"stages.{i}.query_classes": linear(layer[:, -1], "classifier_embed_Adapter")}
heads = {"conv3d": head_weights(1), "mixed": head_weights(0), "conv3d_release": head_weights(2)}
out["conv3d.query_masks"] = volume_head(low_res, heads["conv3d"])
out["mixed.query_masks"] = resize(low_res + volume_head(low_res, heads["mixed"]), SIZE)

# The release: half a pixel of SAM's input of 16 pixels per cell, and masks by way of that input's size.
(_, _, tokens), pixels = decode(embedding, boxes, mask_logits, class_tokens, 0.5 * STRIDE / 16)
low_res = masks_of(tokens, pixels)
out["release.query_classes"] = linear(tokens[:, -1], "classifier_embed_Adapter")
out["release.query_masks"] = resize(resize(low_res, (16 * GRID[0], 16 * GRID[1])), SIZE)
out["conv3d_release.query_masks"] = resize(volume_head(low_res, heads["conv3d_release"]), SIZE)
out |= {f"heads.{name}.{part}": tensor for name, weights in heads.items() for part, tensor in weights.items()}
assert out["bilinear.query_masks"].std() > 0.5 and classes.std(0).min() > 0.1, "without spread nothing would be compared"

file = pathlib.Path(__file__).with_name("mask_classifier.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes; SD of masks and classes", out["bilinear.query_masks"].std(), classes.std(0))
