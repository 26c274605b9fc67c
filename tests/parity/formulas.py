"""Parts of SAM's mask decoder and of convolutional networks as formulas in numpy, for scripts that make goldens. Nothing of lamina,
torch or segment-anything is used. Weights are a dict by reference name; token lists are [N, T, C], images channels-last [N, h, w, C].
"""
import numpy as np
from scipy.special import erf


class Draw:
    """Normal numbers that survive a trip through float32."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, *shape, scale=0.5):
        return self.random.normal(0, scale, shape).astype(np.float32).astype(np.float64)

    def weights(self, shapes):
        """One tensor per name; scales of norms are around 1."""
        return {name: self(*shape) + (1 if "norm" in name and name.endswith("weight") else 0) for name, shape in shapes.items()}


def linear_shapes(name, inner, outer):
    return {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}


def norm_shapes(name, channels):
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def attention_shapes(name, channels, inner):
    shapes = {}
    for part in ("q_proj", "k_proj", "v_proj"):
        shapes |= linear_shapes(f"{name}.{part}", channels, inner)
    return shapes | linear_shapes(f"{name}.out_proj", inner, channels)


def conv_shapes(name, inner, outer, kernel, transposed=False):
    sizes = (inner, outer) if transposed else (outer, inner)
    return {f"{name}.weight": (*sizes, kernel, kernel), f"{name}.bias": (outer,)}


def mlp_shapes(name, *widths):
    """widths: of the input and behind each layer"""
    shapes = {}
    for layer, (inner, outer) in enumerate(zip(widths, widths[1:])):
        shapes |= linear_shapes(f"{name}.layers.{layer}", inner, outer)
    return shapes


def transformer_shapes(name, channels, mlp, depth=2, cross=None):
    """cross: width of the attentions between tokens and image; half the channels by default"""
    cross = cross or channels // 2
    shapes = {}
    for i in range(depth):
        layer = f"{name}.layers.{i}"
        shapes |= attention_shapes(f"{layer}.self_attn", channels, channels)
        for way in ("cross_attn_token_to_image", "cross_attn_image_to_token"):
            shapes |= attention_shapes(f"{layer}.{way}", channels, cross)
        shapes |= linear_shapes(f"{layer}.mlp.lin1", channels, mlp) | linear_shapes(f"{layer}.mlp.lin2", mlp, channels)
        for norm_index in "1234":
            shapes |= norm_shapes(f"{layer}.norm{norm_index}", channels)
    return shapes | attention_shapes(f"{name}.final_attn_token_to_image", channels, channels // 2) | norm_shapes(f"{name}.norm_final_attn", channels)


def upscaling_shapes(name, channels, widths=None):
    """widths: behind each doubling; a quarter and an eighth of the channels by default"""
    first, second = widths or (channels // 4, channels // 8)
    return conv_shapes(f"{name}.0", channels, first, 2, True) | norm_shapes(f"{name}.1", first) | conv_shapes(f"{name}.3", first, second, 2, True)


def prompt_encoder_shapes(channels, hidden=16):
    pe = "prompt_encoder"
    shapes = {f"{pe}.pe_layer.positional_encoding_gaussian_matrix": (2, channels // 2)}
    shapes |= {f"{pe}.{name}.weight": (1, channels) for name in
               ("point_embeddings.0", "point_embeddings.1", "point_embeddings.2", "point_embeddings.3", "not_a_point_embed", "no_mask_embed")}
    down = f"{pe}.mask_downscaling"
    for index, shape in {"0": (hidden // 4, 1, 2, 2), "1": (hidden // 4,), "3": (hidden, hidden // 4, 2, 2), "4": (hidden,),
                         "6": (channels, hidden, 1, 1)}.items():
        shapes |= {f"{down}.{index}.weight": shape, f"{down}.{index}.bias": shape[:1]}
    return shapes


def linear(w, x, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def norm(w, x, name, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]


def mlp(w, x, name):
    layers = sum(key.startswith(f"{name}.layers.") and key.endswith("weight") for key in w)
    for layer in range(layers):
        x = linear(w, x, f"{name}.layers.{layer}")
        x = relu(x) if layer + 1 < layers else x
    return x


def attention(w, q, k, v, name, heads, gate=None, form="multiply"):
    """gate [N, queries, keys]: multiplied behind the softmax, or its logarithm added before it"""
    split_heads = lambda x: x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(0, 2, 1, 3)
    q, k, v = (split_heads(linear(w, x, f"{name}.{part}")) for x, part in ((q, "q_proj"), (k, "k_proj"), (v, "v_proj")))
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    if gate is not None and form == "add_log":
        scores = scores + np.log(gate)[:, None]
    weights = softmax(scores)
    if gate is not None and form == "multiply":
        weights = weights * gate[:, None]
    mixed = weights @ v
    return linear(w, mixed.transpose(0, 2, 1, 3).reshape(mixed.shape[0], mixed.shape[2], -1), f"{name}.out_proj")


def two_way(w, first, keys, place, name, heads, image_first=False, gate=None, form="multiply"):
    """tokens [N, T, C], keys [N, h*w, C], place [1, h*w, C] -> tokens and keys behind the transformer, tokens behind each layer"""
    tokens, layers = first, []
    turned = None if gate is None else gate.transpose(0, 2, 1)

    def among_tokens(tokens, layer, replaces):
        if replaces:
            return norm(w, attention(w, tokens, tokens, tokens, f"{layer}.self_attn", heads), f"{layer}.norm1")
        return norm(w, tokens + attention(w, tokens + first, tokens + first, tokens, f"{layer}.self_attn", heads), f"{layer}.norm1")

    def from_image(tokens, layer):
        read = attention(w, tokens + first, keys + place, keys, f"{layer}.cross_attn_token_to_image", heads, gate, form)
        return norm(w, tokens + read, f"{layer}.norm2")

    depth = len({key.split(".layers.")[1].split(".")[0] for key in w if key.startswith(f"{name}.layers.")})
    for i in range(depth):
        layer = f"{name}.layers.{i}"
        if image_first:
            tokens = among_tokens(from_image(tokens, layer), layer, i == 0)
        else:
            tokens = from_image(among_tokens(tokens, layer, i == 0), layer)
        hidden = relu(linear(w, tokens, f"{layer}.mlp.lin1"))
        tokens = norm(w, tokens + linear(w, hidden, f"{layer}.mlp.lin2"), f"{layer}.norm3")
        read = attention(w, keys + place, tokens + first, tokens, f"{layer}.cross_attn_image_to_token", heads, turned, form)
        keys = norm(w, keys + read, f"{layer}.norm4")
        layers.append(tokens)
    tokens = tokens + attention(w, tokens + first, keys + place, keys, f"{name}.final_attn_token_to_image", heads)
    return norm(w, tokens, f"{name}.norm_final_attn"), keys, layers


def fourier(xy, matrix):
    """(x, y) in 0..1"""
    angle = 2 * np.pi * ((2 * xy - 1) @ matrix)
    return np.concatenate([np.sin(angle), np.cos(angle)], -1)


def grid_places(grid, matrix):
    """Positions of a grid's cells: [1, h*w, C]"""
    y, x = np.meshgrid((np.arange(grid[0]) + 0.5) / grid[0], (np.arange(grid[1]) + 0.5) / grid[1], indexing="ij")
    return fourier(np.stack([x, y], -1), matrix).reshape(1, grid[0] * grid[1], -1)


def split(x, kernel, bias):
    """ConvTranspose2d with kernel and stride 2, kernel [C, O, 2, 2]"""
    out = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[1]))
    for i, j in np.ndindex(2, 2):
        out[:, i::2, j::2] = x @ kernel[:, :, i, j]
    return out + bias


def conv(w, x, name):
    """Conv2d with an odd kernel and zeros around"""
    kernel, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    reach = kernel.shape[2] // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    out = 0
    for i, j in np.ndindex(*kernel.shape[2:]):
        out = out + padded[:, i:i + x.shape[1], j:j + x.shape[2]] @ kernel[:, :, i, j].T
    return out + bias


def upscale(w, image, name):
    """SAM's output_upscaling"""
    pixels = gelu(norm(w, split(image, w[f"{name}.0.weight"], w[f"{name}.0.bias"]), f"{name}.1", 1e-6))
    return gelu(split(pixels, w[f"{name}.3.weight"], w[f"{name}.3.bias"]))


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
