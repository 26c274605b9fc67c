"""Values of MobileSAM's image encoder for plugins/backbones/mobile_sam/parity_test.cpp, from formulas of our own.

Run: python tests/parity/make_mobile_sam.py   (numpy, safetensors; with torch and timm the formulas are checked too)
Every tensor is redrawn, norms and running statistics included, and everything is computed in double precision.
mobile_sam.safetensors: weights, inputs and outputs of each block and of a small encoder.
mobile_sam_full.safetensors: some outputs of the encoder in its own size; its weights are made by `made`, in the test too.
"""
import math
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file

from made_numbers import made

HERE = pathlib.Path(__file__).parent
SMALL = {"channels": (8, 12, 16, 20), "depths": (1, 2, 2, 1), "heads": (1, 2, 4, 2), "windows": (1, 3, 4, 2), "strides": (2, 2, 1), "out": 6}
FULL = {"channels": (64, 128, 160, 320), "depths": (2, 2, 6, 2), "heads": (2, 4, 5, 10), "windows": (7, 7, 14, 7), "strides": (2, 2, 1), "out": 256}
score_spreads = []


# --- The formulas. Images are [N, C, H, W], `w` holds parameters by name, `at` is the prefix of a block's names. ---


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def conv(x, weight, stride=1):
    """Padding (k - 1) / 2. A weight for one input channel is a depthwise convolution."""
    kernel, (height, width) = weight.shape[2], x.shape[2:]
    pad = (kernel - 1) // 2
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out_height, out_width = (height - 1) // stride + 1, (width - 1) // stride + 1
    result = 0
    for dy in range(kernel):
        for dx in range(kernel):
            seen = x[:, :, dy : dy + (out_height - 1) * stride + 1 : stride, dx : dx + (out_width - 1) * stride + 1 : stride]
            if weight.shape[1] == 1 and x.shape[1] > 1:
                result = result + seen * weight[:, 0, dy, dx].reshape(1, -1, 1, 1)
            else:
                result = result + np.einsum("oc,nchw->nohw", weight[:, :, dy, dx], seen, optimize=True)
    return result


def scaled(x, mean, variance, weight, bias, eps):
    line = lambda values: values.reshape(1, -1, 1, 1)
    return (x - line(mean)) / np.sqrt(line(variance) + eps) * line(weight) + line(bias)


def conv_norm(w, at, x, stride=1):
    y = conv(x, w[at + "c.weight"], stride)
    return scaled(y, w[at + "bn.running_mean"], w[at + "bn.running_var"], w[at + "bn.weight"], w[at + "bn.bias"], 1e-5)


def conv_norm_training(w, at, x):
    """By the batch's own statistics; also the running ones afterwards (momentum 0.1, variance unbiased)."""
    y = conv(x, w[at + "c.weight"])
    mean, variance, count = y.mean((0, 2, 3)), y.var((0, 2, 3)), y.size // y.shape[1]
    follow = lambda old, new: 0.9 * old + 0.1 * new
    return (scaled(y, mean, variance, w[at + "bn.weight"], w[at + "bn.bias"], 1e-5), follow(w[at + "bn.running_mean"], mean),
            follow(w[at + "bn.running_var"], variance * count / (count - 1)))


def patch_embed(w, at, x):
    return conv_norm(w, at + "seq.2.", gelu(conv_norm(w, at + "seq.0.", x, 2)), 2)


def three_convs(w, at, x, stride=1):
    y = gelu(conv_norm(w, at + "conv1.", x))
    return conv_norm(w, at + "conv3.", gelu(conv_norm(w, at + "conv2.", y, stride)))


def mb_conv(w, at, x):
    return gelu(x + three_convs(w, at, x))


def layer_norm(w, at, x, eps=1e-5):
    """Over the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * w[at + "weight"] + w[at + "bias"]


def linear(w, at, x):
    return x @ w[at + "weight"].T + w[at + "bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def bias_table(biases, window):
    """[heads, entries] -> [heads, n, n]. Entries belong to distances in the order in which pairs of cells show them."""
    cells = [(y, x) for y in range(window) for x in range(window)]
    entries, index = {}, []
    for a in cells:
        for b in cells:
            distance = abs(a[0] - b[0]), abs(a[1] - b[1])
            index.append(entries.setdefault(distance, len(entries)))
    return biases[:, index].reshape(len(biases), len(cells), len(cells))


def attention(w, at, tokens, heads, window):
    """tokens [M, n, C], one window each. Queries, keys and values of a head lie side by side."""
    batch, n, channels = tokens.shape
    width = channels // heads
    qkv = linear(w, at + "qkv.", layer_norm(w, at + "norm.", tokens)).reshape(batch, n, heads, 3, width)
    q, k, v = (qkv[:, :, :, i].transpose(0, 2, 1, 3) for i in range(3))  # [M, heads, n, width]
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(width) + bias_table(w[at + "attention_biases"], window)
    score_spreads.append(scores.std())
    return linear(w, at + "proj.", (softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, n, channels))


def window_attention(w, at, x, heads, window):
    """x [N, h, w, C]; zeros fill the last windows."""
    count, height, width, channels = x.shape
    rows, columns = -(-height // window), -(-width // window)
    padded = np.pad(x, ((0, 0), (0, rows * window - height), (0, columns * window - width), (0, 0)))
    result = np.empty_like(padded)
    for row in range(rows):
        for column in range(columns):
            place = np.s_[:, row * window : (row + 1) * window, column * window : (column + 1) * window]
            tokens = padded[place].reshape(count, window * window, channels)
            result[place] = attention(w, at, tokens, heads, window).reshape(count, window, window, channels)
    return result[:, :height, :width]


def mlp(w, at, x):
    return linear(w, at + "fc2.", gelu(linear(w, at + "fc1.", layer_norm(w, at + "norm.", x))))


def channels_last(x):
    return x.transpose(0, 2, 3, 1)


def channels_first(x):
    return x.transpose(0, 3, 1, 2)


def window_block(w, at, x, heads, window):
    x = channels_last(x)
    y = x + window_attention(w, at + "attn.", x, heads, window)
    z = channels_last(conv_norm(w, at + "local_conv.", channels_first(y)))
    return channels_first(z + mlp(w, at + "mlp.", z))


def neck(w, at, x):
    norm = lambda name, image: channels_first(layer_norm(w, at + name, channels_last(image), 1e-6))
    return norm("3.", conv(norm("1.", conv(x, w[at + "0.weight"])), w[at + "2.weight"]))


def encoder(w, x, sizes):
    """Images behind every stage, and the embedding."""
    stages = []
    x = patch_embed(w, "patch_embed.", x)
    for i, depth in enumerate(sizes["depths"]):
        for j in range(depth):
            at = f"layers.{i}.blocks.{j}."
            x = mb_conv(w, at, x) if i == 0 else window_block(w, at, x, sizes["heads"][i], sizes["windows"][i])
        if i < len(sizes["strides"]):
            x = three_convs(w, f"layers.{i}.downsample.", x, sizes["strides"][i])
        stages.append(x)
    return stages, neck(w, "neck.", x)


# --- Names, shapes and numbers of the weights. ---


def conv_norm_shapes(at, out, rest, kernel):
    norm = {f"{at}bn.{name}": (out,) for name in ("weight", "bias", "running_mean", "running_var")}
    return {f"{at}c.weight": (out, rest, kernel, kernel), **norm}


def three_convs_shapes(at, channels, hidden, out):
    return {**conv_norm_shapes(at + "conv1.", hidden, channels, 1), **conv_norm_shapes(at + "conv2.", hidden, 1, 3),
            **conv_norm_shapes(at + "conv3.", out, hidden, 1)}


def patch_embed_shapes(at, channels):
    return {**conv_norm_shapes(at + "seq.0.", channels // 2, 3, 3), **conv_norm_shapes(at + "seq.2.", channels, channels // 2, 3)}


def window_block_shapes(at, channels, heads, window):
    shapes = {f"{at}attn.attention_biases": (heads, window * window), **conv_norm_shapes(at + "local_conv.", channels, 1, 3)}
    for name, into, out in (("attn.qkv", 1, 3), ("attn.proj", 1, 1), ("mlp.fc1", 1, 4), ("mlp.fc2", 4, 1)):
        shapes[f"{at}{name}.weight"], shapes[f"{at}{name}.bias"] = (out * channels, into * channels), (out * channels,)
    for name in ("attn.norm", "mlp.norm"):
        shapes[f"{at}{name}.weight"] = shapes[f"{at}{name}.bias"] = (channels,)
    return shapes


def neck_shapes(at, channels, out):
    norms = {f"{at}{i}.{name}": (out,) for i in (1, 3) for name in ("weight", "bias")}
    return {f"{at}0.weight": (out, channels, 1, 1), f"{at}2.weight": (out, out, 3, 3), **norms}


def encoder_shapes(sizes):
    channels = sizes["channels"]
    shapes = {**patch_embed_shapes("patch_embed.", channels[0]), **neck_shapes("neck.", channels[-1], sizes["out"])}
    for i, depth in enumerate(sizes["depths"]):
        for j in range(depth):
            at = f"layers.{i}.blocks.{j}."
            if i == 0:
                shapes.update(three_convs_shapes(at, channels[0], 4 * channels[0], channels[0]))
            else:
                shapes.update(window_block_shapes(at, channels[i], sizes["heads"][i], sizes["windows"][i]))
        if i < len(sizes["strides"]):
            shapes.update(three_convs_shapes(f"layers.{i}.downsample.", channels[i], channels[i + 1], channels[i + 1]))
    return shapes


def reach_of(name, shape):
    """(centre, reach) of a tensor: activations keep their size, and scores of attention spread by more than 1."""
    if name.endswith("attention_biases"):
        return 0.0, 1.5
    if name.endswith("running_var"):
        return 1.0, 0.5
    if len(shape) == 1:
        return (1.0 if name.endswith("weight") else 0.0), 0.3
    square = 10.0 if "qkv" in name else 4.0 if len(shape) == 4 else 3.0
    return 0.0, math.sqrt(square / (math.prod(shape) // shape[0]))


def weights_of(shapes, first=0):
    weights = {}
    for index, name in enumerate(sorted(shapes)):
        centre, reach = reach_of(name, shapes[name])
        weights[name] = made(first + index, shapes[name], centre - reach, centre + reach).astype(np.float64)
    return weights


def image_of(index, shape):
    return made(index, shape, -2.0, 2.0).astype(np.float64)


# --- What is kept. ---


def save(tensors, name):
    file = HERE / name
    outputs = [key for key in tensors if "weights" not in key and not key.endswith(".in")]
    flat = {key: tensors[key].std() for key in outputs if tensors[key].std() < 0.5}
    assert not flat, f"too small to show a difference: {flat}"
    print("largest output", max(abs(tensors[key]).max() for key in outputs))
    save_file({key: np.ascontiguousarray(value, dtype=np.float32) for key, value in tensors.items()}, file)
    os.chmod(file, 0o644)
    print(file.name, file.stat().st_size, "bytes")


def blocks(tensors):
    def case(name, shapes, run, *images):
        weights = weights_of(shapes, first=5000 + len(tensors))
        tensors.update({f"{name}.weights.{key}": value for key, value in weights.items()})
        for index, shape in enumerate(images):
            image = image_of(9000 + len(tensors), shape)
            tensors[f"{name}.{index}.in"], tensors[f"{name}.{index}.out"] = image, run(weights, image)

    case("patch_embed", patch_embed_shapes("", 6), lambda w, x: patch_embed(w, "", x), (2, 3, 8, 12))
    case("mb_conv", three_convs_shapes("", 4, 16, 4), lambda w, x: mb_conv(w, "", x), (2, 4, 5, 7))
    for stride in (1, 2):
        case(f"merge{stride}", three_convs_shapes("", 4, 6, 6), lambda w, x: three_convs(w, "", x, stride), (1, 4, 5, 8))
    # Windows of 3: exact, filled up, larger than the grid.
    grids = ((2, 12, 3, 3), (1, 12, 5, 7), (1, 12, 2, 2))
    shapes = window_block_shapes("", 12, 3, 3)
    case("window_block", shapes, lambda w, x: window_block(w, "", x, 3, 3), *grids)
    part = lambda at: {key[len(at):]: shape for key, shape in shapes.items() if key.startswith(at)}
    case("attention", part("attn."), lambda w, x: channels_first(window_attention(w, "", channels_last(x), 3, 3)), *grids)
    case("mlp", part("mlp."), lambda w, x: channels_first(mlp(w, "", channels_last(x))), grids[1])
    case("conv_norm", conv_norm_shapes("", 5, 4, 3), lambda w, x: conv_norm_training(w, "", x)[0], (2, 4, 3, 4))
    weights = {key[18:]: value for key, value in tensors.items() if key.startswith("conv_norm.weights.")}
    _, mean, variance = conv_norm_training(weights, "", tensors["conv_norm.0.in"])
    tensors["conv_norm.after.weights.bn.running_mean"], tensors["conv_norm.after.weights.bn.running_var"] = mean, variance


def whole(tensors, sizes, cases, keep=lambda name, value: value):
    weights = weights_of(encoder_shapes(sizes))
    for index, (name, shape) in enumerate(cases.items()):
        image = image_of(1000 + index, shape)
        stages, embedding = encoder(weights, image, sizes)
        for i, stage in enumerate(stages):
            tensors[f"{name}.stage.{i}"] = keep("stage", stage)
        tensors[f"{name}.embedding"] = keep("embedding", embedding)
        check_by_timm(weights, image, stages, sizes)
    return weights


def check_by_timm(weights, image, stages, sizes):
    """timm's TinyViT halves the grid in front of its last stage too; the stride is all that is changed in it."""
    try:
        import torch
        from timm.models.tiny_vit import TinyVit
    except ImportError:
        return print("no timm: the formulas are not checked")
    model = TinyVit(num_classes=0, global_pool="", embed_dims=sizes["channels"], depths=sizes["depths"], num_heads=sizes["heads"],
                    window_sizes=sizes["windows"], drop_path_rate=0.0).double().eval()
    for stage, stride in zip(model.stages[1:], sizes["strides"]):
        stage.downsample.conv2.conv.stride = (stride, stride)

    def ours(name):
        name = name.replace("patch_embed.conv1.", "patch_embed.seq.0.").replace("patch_embed.conv2.", "patch_embed.seq.2.").replace(".conv.", ".c.")
        words = name.split(".")
        if words[0] == "stages":
            words[:2] = ["layers", str(int(words[1]) - (words[2] == "downsample"))]
        return ".".join(words)

    state = {name: torch.from_numpy(weights[ours(name)]) if ours(name) in weights else value for name, value in model.state_dict().items()}
    untouched = [name for name in state if ours(name) not in weights and not name.startswith("head.") and not name.endswith("tracked")]
    assert not untouched, untouched
    model.load_state_dict(state)
    with torch.no_grad():
        theirs = model.forward_features(torch.from_numpy(image)).numpy()
    difference = abs(theirs - stages[-1]).max()
    print("largest difference to timm:", difference)
    assert theirs.shape == stages[-1].shape and difference < 1e-9


small = {}
blocks(small)
small.update({f"weights.{key}": value for key, value in whole(small, SMALL, {"tall": (2, 3, 48, 32), "square": (1, 3, 64, 64)}).items()})
save(small, "mobile_sam.safetensors")
full = {}
whole(full, FULL, {"full": (1, 3, 224, 160)}, lambda name, value: value[:, :: 8 if name == "embedding" else 20, ::3, ::3])
save(full, "mobile_sam_full.safetensors")
print("spread of scores: from", min(score_spreads), "to", max(score_spreads))
assert min(score_spreads) > 1
