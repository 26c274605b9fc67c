"""Values of the decoder `hierarchical` (H-SAM) for decoders/hierarchical/hierarchical_test.cpp, from its formulas in numpy.

Run: python tests/parity/make_hierarchical.py   (numpy, scipy, safetensors)
Two slices of one case, an embedding of 16 channels on 2 x 3 cells of 8 pixels, 3 classes. Both decoders, with the three gates and both
forms of masked attention; nothing random, as at prediction.
"""
import os
import pathlib

import numpy as np
from safetensors.numpy import save_file

import formulas as f

SLICES, C, CLASSES, GRID, SIZE, WIDTHS = 2, 16, 3, (2, 3), (16, 24), (8, 4)
HEADS, MLP, GATE_HEADS, GATE_MLP = 2, 24, 6, 20
CELLS, FIRST = GRID[0] * GRID[1], WIDTHS[1]
draw = f.Draw(23)


def shapes():
    first = {"iou_token.weight": (1, C), "mask_tokens.weight": (CLASSES, C)}
    first |= f.transformer_shapes("transformer", C, MLP) | f.upscaling_shapes("output_upscaling", C, WIDTHS)
    for i in range(CLASSES):
        first |= f.mlp_shapes(f"output_hypernetworks_mlps.{i}", C, C, C, FIRST)
    first |= f.mlp_shapes("iou_prediction_head", C, C, C, CLASSES)
    first |= f.prompt_encoder_shapes(C)
    second = {"mask_tokens.weight": (CLASSES, C)} | f.transformer_shapes("transformer2", C, MLP, cross=C)
    second |= f.upscaling_shapes("output_upscaling", C, WIDTHS)
    second |= f.conv_shapes("skip_connect.0", 2 * FIRST, FIRST, 2, True) | f.norm_shapes("skip_connect.1", FIRST)
    second |= f.conv_shapes("skip_connect.3", FIRST, FIRST // 2, 2, True) | f.norm_shapes("skip_connect.4", FIRST // 2)
    for i in range(CLASSES):
        second |= f.mlp_shapes(f"output_hypernetworks_mlps2.{i}", C, C, C, C, C, FIRST // 2)
    for name in ("self_attn", "self_attn2"):
        second |= f.attention_shapes(name, CELLS, CELLS)
    second |= f.norm_shapes("norm1", CELLS) | f.norm_shapes("norm2", CELLS) | f.linear_shapes("med_sel.0", CLASSES, 1)
    second |= f.linear_shapes("mlp.lin1", CELLS, GATE_MLP) | f.linear_shapes("mlp.lin2", GATE_MLP, CELLS)
    return first | {f"mask_decoder2.{name}": shape for name, shape in second.items()}


def first_decoder(w, keys, place):
    own = np.concatenate([w["iou_token.weight"], w["mask_tokens.weight"]])
    tokens, image, _ = f.two_way(w, np.broadcast_to(own, (SLICES, 1 + CLASSES, C)), keys, place, "transformer", HEADS, image_first=True)
    pixels = f.upscale(w, image.reshape(SLICES, *GRID, C), "output_upscaling")
    hyper = np.stack([f.mlp(w, tokens[:, 1 + c], f"output_hypernetworks_mlps.{c}") for c in range(CLASSES)], 1)
    maps = tokens[:, 1:] @ image.transpose(0, 2, 1)  # [N, K, h*w]
    return np.einsum("nkc,nhwc->nkhw", hyper, pixels), maps, pixels


def gate_scores(w, maps):
    rows = f.norm(w, f.attention(w, maps, maps, maps, "self_attn", GATE_HEADS), "norm1")
    rows = f.attention(w, rows, rows, rows, "self_attn2", GATE_HEADS)
    rows = f.norm(w, rows + f.linear(w, f.relu(f.linear(w, rows, "mlp.lin1")), "mlp.lin2"), "norm2")
    return f.relu(f.linear(w, rows.transpose(0, 2, 1), "med_sel.0"))  # [N, h*w, 1]


GATES = {"off": lambda score: 0 * score, "release": lambda score: f.softmax(score, -1),
         "spatial_softmax": lambda score: f.softmax(score, 1) * CELLS, "sigmoid": f.sigmoid}


def second_decoder(w, keys, place, gate, prior, form, pixels):
    tokens = np.broadcast_to(w["mask_tokens.weight"], (SLICES, CLASSES, C))
    tokens, image, _ = f.two_way(w, tokens, keys * (1 + gate), place, "transformer2", HEADS, image_first=True, gate=prior, form=form)
    own = np.concatenate([f.upscale(w, image.reshape(SLICES, *GRID, C), "output_upscaling"), pixels], -1)
    for conv, norm in (("0", "1"), ("3", "4")):
        own = f.split(own, w[f"skip_connect.{conv}.weight"], w[f"skip_connect.{conv}.bias"])
        own = f.gelu(f.norm(w, own, f"skip_connect.{norm}", 1e-6))
    hyper = np.stack([f.mlp(w, tokens[:, c], f"output_hypernetworks_mlps2.{c}") for c in range(CLASSES)], 1)
    return np.einsum("nkc,nhwc->nkhw", hyper, own)


def volume(masks):
    """[D, K, h, w] -> [1, K, D, h, w]"""
    return masks.transpose(1, 0, 2, 3)[None]


w = draw.weights(shapes())
w["mask_decoder2.med_sel.0.bias"] = np.array([0.0])  # about half of the cells pass its ReLU
second = {name.removeprefix("mask_decoder2."): tensor for name, tensor in w.items() if name.startswith("mask_decoder2.")}
embedding = draw(SLICES, C, *GRID, scale=3)
place = f.grid_places(GRID, w["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"])
keys = embedding.transpose(0, 2, 3, 1).reshape(SLICES, CELLS, C) + w["prompt_encoder.no_mask_embed.weight"]
stage1, maps, pixels = first_decoder(w, keys, place)
prior = f.softmax(f.resize(stage1, GRID), 1).reshape(SLICES, CLASSES, CELLS)
score = gate_scores(second, maps)
assert 0.3 < (score > 0).mean() < 1, "a gate that sees nothing compares nothing"
out = {f"weights.{name}": tensor for name, tensor in w.items()} | {"embedding": embedding, "stage1": stage1, "maps": maps, "prior": prior}
for name, gate in GATES.items():
    out[f"{name}.gate"] = gate(score).reshape(SLICES, *GRID, 1)
    out[f"{name}.stage2"] = second_decoder(second, keys, place, gate(score), prior, "multiply", pixels)
out["add_log.stage2"] = second_decoder(second, keys, place, GATES["sigmoid"](score), prior, "add_log", pixels)
out["no_mask.stage2"] = second_decoder(second, keys, place, GATES["sigmoid"](score), None, "multiply", pixels)
both = [f.resize(x, SIZE) for x in (stage1, out["sigmoid.stage2"])]
out["classes.mean"], out["classes.stage1"], out["classes.stage2"] = volume((both[0] + both[1]) / 2), volume(both[0]), volume(both[1])
spread = {name: float(tensor.std()) for name, tensor in out.items() if "stage" in name}
assert min(spread.values()) > 0.3, spread

file = pathlib.Path(__file__).with_name("hierarchical.safetensors")
save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes;", spread)
