"""Values of SAM's image encoder for plugins/backbones/sam_vit/parity_test.cpp, from PyPI's segment-anything.

Run: python tests/parity/make_sam_encoder.py [base]   (torch, segment-anything 1.0, safetensors)
Without a word: small encoders with every tensor redrawn, weights and outputs in sam_encoder.safetensors.
base: ViT-B on 256 x 256 pixels. Its weights are made by `made`, which the test computes too; some outputs are kept.
"""
import os
import pathlib
import sys
from functools import partial

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from segment_anything.modeling.image_encoder import ImageEncoderViT

from made_numbers import made

HERE = pathlib.Path(__file__).parent


def encoder(size, patch, channels, depth, heads, window, global_blocks, out):
    return ImageEncoderViT(img_size=size, patch_size=patch, embed_dim=channels, depth=depth, num_heads=heads, mlp_ratio=4, out_chans=out,
                           norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), qkv_bias=True, use_rel_pos=True, rel_pos_zero_init=False,
                           window_size=window, global_attn_indexes=global_blocks).eval()


def run(model, image):
    """Output of every block, channels first, and the embedding."""
    blocks = []
    hooks = [block.register_forward_hook(lambda _, __, out: blocks.append(out.permute(0, 3, 1, 2))) for block in model.blocks]
    with torch.no_grad():
        embedding = model(image)
    for hook in hooks:
        hook.remove()
    return blocks, embedding


def save(tensors, name):
    file = HERE / name
    save_file({key: value.detach().contiguous().float() for key, value in tensors.items()}, file)
    os.chmod(file, 0o644)
    print(file.name, file.stat().st_size, "bytes")


def is_scale(name):
    return name in ("neck.1.weight", "neck.3.weight") or "norm" in name and name.endswith("weight")


def small():
    """One set of weights (table 12 x 12, window 4, block 1 global), run on grids of several sizes in both schools."""
    generator = torch.Generator().manual_seed(5)
    model = encoder(size=48, patch=4, channels=24, depth=3, heads=2, window=4, global_blocks=(1,), out=16)
    state = model.state_dict()
    for name, tensor in state.items():
        spread = 0.6 if "rel_pos" in name else 0.2
        state[name] = torch.randn(tensor.shape, generator=generator) * spread + (1 if is_scale(name) else 0)
    tensors = {f"weights.{name}": tensor for name, tensor in state.items()}

    def case(name, height, width, school, slices=1):
        gh, gw = height // 4, width // 4
        own = {key: value.clone() for key, value in state.items()}
        if school == "crop":  # MaskSAM: part of the table; relative tables stay long and are resized at run time
            own["pos_embed"] = own["pos_embed"][:, :gh, :gw]
        else:  # MA-SAM: everything is resized when weights are loaded
            own["pos_embed"] = F.interpolate(own["pos_embed"].permute(0, 3, 1, 2), (gh, gw), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
            for axis, cells in (("h", gh), ("w", gw)):
                key = f"blocks.1.attn.rel_pos_{axis}"
                own[key] = F.interpolate(own[key][None, None], (2 * cells - 1, own[key].shape[1]), mode="bilinear", align_corners=False)[0, 0]
        for key, value in own.items():
            owner, leaf = model, key.split(".")
            for part in leaf[:-1]:
                owner = getattr(owner, part)
            setattr(owner, leaf[-1], torch.nn.Parameter(value))
        image = torch.randn((slices, 3, height, width), generator=generator)
        blocks, embedding = run(model, image)
        tensors[f"{name}.image"] = image
        tensors[f"{name}.embedding"] = embedding
        tensors[f"{name}.block.0"] = blocks[0][:, ::3]
        tensors[f"{name}.tap.0"] = blocks[1][:, ::3]

    case("whole", 48, 48, "crop")          # 12 x 12 tokens: 3 x 3 windows, nothing to fit
    case("padded", 40, 24, "crop", 2)      # 10 x 6: windows reach beyond the grid
    case("resized", 20, 28, "resize")      # 5 x 7: not square, odd
    case("under_window", 8, 12, "resize")  # 2 x 3: a single window, larger than the grid
    case("enlarged", 60, 52, "resize")     # 15 x 13: larger than the table
    save(tensors, "sam_encoder.safetensors")


def base():
    model = encoder(size=1024, patch=16, channels=768, depth=12, heads=12, window=14, global_blocks=(2, 5, 8, 11), out=256)
    state = model.state_dict()
    for index, name in enumerate(sorted(state)):
        reach = 0.5 if "rel_pos" in name else 0.06
        centre = 1.0 if is_scale(name) else 0.0
        state[name] = torch.from_numpy(made(index, state[name].shape, centre - reach, centre + reach))
    state["pos_embed"] = state["pos_embed"][:, :16, :16]
    model.pos_embed = torch.nn.Parameter(state["pos_embed"])
    model.load_state_dict(state)
    blocks, embedding = run(model, torch.from_numpy(made(1000, (2, 3, 256, 256), -1.5, 1.5)))
    print("spread of the embedding", embedding.std().item(), "of tap 1", blocks[5].std().item())
    save({"embedding": embedding[:, ::16, ::3, ::3], "tap.1": blocks[5][:, ::64, ::3, ::3]}, "sam_encoder_base.safetensors")


torch.set_num_threads(1)
base() if sys.argv[1:] == ["base"] else small()
