"""Files of weights as Python saves them, for tests/unit/engine/weights_*_test.cpp; small seeds for tests/fuzz beside them.

Run: python tests/parity/make_torch_files.py   (torch 2.11, numpy, safetensors, segment-anything 1.0, transformers 5)

torch_files/sam_{b,l,h}.pth          SAM in the layouts of ViT-B, ViT-L and ViT-H with small dimensions, every tensor redrawn
torch_files/sam_{b,l,h}.safetensors  the same tensors by safetensors.torch.save_file
torch_files/hf_{b,l,h}.safetensors   the same numbers in transformers' SamModel, by save_pretrained
torch_files/names_*.txt              state dicts of HQ-SAM: names and shapes
torch_files/*.pth                    what torch.save can hold otherwise, and what lamina refuses
"""
import argparse
import collections
import io
import math
import os
import pathlib
import pickle
import shutil
import struct
import tempfile
import zipfile
from functools import partial

import numpy
import torch
from safetensors.torch import save_file

from made_numbers import made

HERE = pathlib.Path(__file__).parent
FILES = HERE / "torch_files"
CORPUS = HERE.parent / "fuzz" / "corpus"
LAYOUTS = {"b": (12, (2, 5, 8, 11)), "l": (24, (5, 11, 17, 23)), "h": (32, (7, 15, 23, 31))}
WIDTH, CHANNELS, HEADS, IMAGE, PATCH, WINDOW = 4, 8, 2, 64, 16, 2


# -- SAM in three layouts and three kinds of file

def segment_anything(depth, global_blocks):
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
    grid = IMAGE // PATCH
    encoder = ImageEncoderViT(img_size=IMAGE, patch_size=PATCH, embed_dim=WIDTH, depth=depth, num_heads=HEADS, mlp_ratio=4, out_chans=CHANNELS,
                              norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), qkv_bias=True, use_rel_pos=True, rel_pos_zero_init=True,
                              window_size=WINDOW, global_attn_indexes=global_blocks)
    prompts = PromptEncoder(embed_dim=CHANNELS, image_embedding_size=(grid, grid), input_image_size=(IMAGE, IMAGE), mask_in_chans=16)
    transformer = TwoWayTransformer(depth=2, embedding_dim=CHANNELS, mlp_dim=8, num_heads=HEADS)
    decoder = MaskDecoder(transformer_dim=CHANNELS, transformer=transformer, num_multimask_outputs=3, iou_head_depth=3, iou_head_hidden_dim=CHANNELS)
    return Sam(encoder, prompts, decoder)


def transformers_sam(depth, global_blocks):
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig
    vision = SamVisionConfig(hidden_size=WIDTH, output_channels=CHANNELS, num_hidden_layers=depth, num_attention_heads=HEADS, image_size=IMAGE,
                             patch_size=PATCH, window_size=WINDOW, global_attn_indexes=list(global_blocks), mlp_ratio=4.0, mlp_dim=4 * WIDTH,
                             num_pos_feats=CHANNELS // 2)
    prompts = SamPromptEncoderConfig(hidden_size=CHANNELS, image_size=IMAGE, patch_size=PATCH, mask_input_channels=16)
    decoder = SamMaskDecoderConfig(hidden_size=CHANNELS, mlp_dim=8, num_attention_heads=HEADS, iou_head_hidden_dim=CHANNELS)
    return SamModel(SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder))


REPLACED = [  # segment-anything's part of a name, transformers' part; the first that fits in each line
    [("image_encoder.", "vision_encoder.")],
    [("patch_embed.proj.", "patch_embed.projection.")],
    [("vision_encoder.blocks.", "vision_encoder.layers.")],
    [(f".norm{i}.", f".layer_norm{i}.") for i in (1, 2, 3, 4)] + [("norm_final_attn", "layer_norm_final_attn")],
    [(f"neck.{i}.", f"neck.{name}.") for i, name in enumerate(("conv1", "layer_norm1", "conv2", "layer_norm2"))],
    [(f"mask_downscaling.{i}.", f"mask_embed.{name}.") for i, name in ((0, "conv1"), (1, "layer_norm1"), (3, "conv2"), (4, "layer_norm2"), (6, "conv3"))],
    [("point_embeddings.", "point_embed.")],
    [("pe_layer.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding")],
    [(f"output_upscaling.{i}.", f"{name}.") for i, name in ((0, "upscale_conv1"), (1, "upscale_layer_norm"), (3, "upscale_conv2"))],
]


def hf_name(name):
    """By shape and position, written apart from lamina's own map."""
    for line in REPLACED:
        for ours, theirs in line:
            if ours in name:
                name = name.replace(ours, theirs)
                break
    if "iou_prediction_head" in name or "output_hypernetworks_mlps" in name:
        for ours, theirs in (("layers.0", "proj_in"), ("layers.1", "layers.0"), ("layers.2", "proj_out")):
            if ours in name:
                return name.replace(ours, theirs)
    return name


def sam_files():
    for layout, (depth, global_blocks) in LAYOUTS.items():
        names = sorted(segment_anything(depth, global_blocks).state_dict())
        state = segment_anything(depth, global_blocks).state_dict()
        for index, name in enumerate(names):
            state[name] = torch.from_numpy(made(index, tuple(state[name].shape), -1, 1))
        torch.save(state, FILES / f"sam_{layout}.pth")
        save_file(state, FILES / f"sam_{layout}.safetensors")
        model = transformers_sam(depth, global_blocks)
        renamed = {hf_name(name): tensor for name, tensor in state.items()}
        renamed["shared_image_embedding.positional_embedding"] = renamed["prompt_encoder.shared_embedding.positional_embedding"]
        assert set(renamed) == set(model.state_dict()), set(renamed) ^ set(model.state_dict())
        model.load_state_dict(renamed)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            shutil.copyfile(pathlib.Path(folder) / "model.safetensors", FILES / f"hf_{layout}.safetensors")
        print(layout, len(names), "tensors")


# -- what else torch.save can hold

def views():
    """Every kind of number, and every way to look at one storage."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = collections.OrderedDict()
    for name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"):
        tensors[f"kind.{name}"] = torch.arange(-2, 4).abs().to(getattr(torch, name)).reshape(2, 3)
    tensors["kind.bool"] = torch.tensor([True, False, True])
    tensors["whole"] = base
    tensors["transposed"] = base.t()
    tensors["column"] = base[:, 2]
    tensors["corner"] = base[1:3, 1:4]
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.empty(0, 3)
    tensors["repeated"] = torch.tensor([7.0]).expand(2, 3)
    tensors["parameter"] = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
    tensors["nan"] = torch.tensor([math.nan, math.inf])
    return tensors


def nnunet():
    """As nnU-Net keeps a network: weights among devices, numpy's numbers, lists of the past, an optimizer."""
    network = torch.nn.Conv3d(1, 2, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.99)
    network(torch.ones(1, 1, 3, 3, 3)).sum().backward()
    optimizer.step()
    return {"network_weights": collections.OrderedDict((f"module.{name}", value) for name, value in network.state_dict().items()),
            "optimizer_state": optimizer.state_dict(), "grad_scaler_state": None, "current_epoch": 7, "_best_ema": numpy.float64(0.75),
            "logging": {"train_losses": [numpy.float32(0.5), numpy.float32(0.25)], "lrs": [0.01, 0.009], "dice": [[0.5, 0.6], [0.7, 0.8]]},
            "init_args": {"plans": {"name": "nnUNetPlans", "spacing": [1.0, 0.5, 0.5]}, "device": torch.device("cpu"), "unpack_dataset": True},
            "trainer_name": "nnUNetTrainer", "inference_allowed_mirroring_axes": (0, 1, 2), "history": numpy.arange(3.0)}


def repacked(source, change):
    """The archive with members changed: change(name, bytes) -> bytes or None; stored."""
    out = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return out.getvalue()


class Runs:
    """Asks the unpickler to call something."""
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def other_files():
    small = collections.OrderedDict(weight=torch.arange(6.0).reshape(2, 3), bias=torch.tensor([1.0, 2.0]))
    small._metadata = collections.OrderedDict({"": {"version": 1}})
    torch.save(small, FILES / "small.pth")
    torch.save(views(), FILES / "views.pth")
    torch.save(views(), FILES / "views_protocol4.pth", pickle_protocol=4)
    torch.save(nnunet(), FILES / "nnunet.pth")
    torch.save({"state_dict": {f"module.{name}": value for name, value in small.items()}, "epoch": 3}, FILES / "data_parallel.pth")
    torch.save({"model": {"_orig_mod.weight": small["weight"]}}, FILES / "compiled.pth")
    # refused
    torch.save(small, FILES / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(FILES / "script.pth"))
    torch.save(torch.nn.Linear(2, 2), FILES / "module.pth")
    torch.save({"weight": small["weight"], "x": Runs(os.system, "touch /tmp/lamina-was-here")}, FILES / "os_system.pth")
    torch.save({"model": small, "args": argparse.Namespace(lr=0.1)}, FILES / "namespace.pth")
    torch.save(small["weight"], FILES / "tensor.pth")
    (FILES / "big_endian.pth").write_bytes(repacked(FILES / "small.pth", lambda name, data: b"big" if name.endswith("byteorder") else data))
    (FILES / "missing_storage.pth").write_bytes(repacked(FILES / "small.pth", lambda name, data: None if name.endswith("data/1") else data))
    (FILES / "short_storage.pth").write_bytes(repacked(FILES / "small.pth", lambda name, data: data[:-4] if name.endswith("data/1") else data))
    with zipfile.ZipFile(FILES / "small.pth") as old, zipfile.ZipFile(FILES / "compressed.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with zipfile.ZipFile(FILES / "pictures.pth", "w") as new:
        new.writestr("pictures/cat.txt", "a cat")


# -- HQ-SAM

def write_names(file, state):
    (FILES / file).write_text("".join(f"{name} {','.join(map(str, tensor.shape))}\n" for name, tensor in sorted(state.items())))


def hq_names():
    """From segment-anything's decoder and the modules that HQ-SAM's sheet lists; from transformers' own model."""
    from transformers import SamHQConfig, SamHQModel
    from transformers.models.sam_hq.configuration_sam_hq import SamHQMaskDecoderConfig, SamHQPromptEncoderConfig, SamHQVisionConfig
    depth, global_blocks = LAYOUTS["b"]
    state = segment_anything(depth, global_blocks).state_dict()
    add = {"hf_token.weight": (1, CHANNELS)}
    for layer, out in ((0, CHANNELS), (1, CHANNELS), (2, CHANNELS // 8)):
        add[f"hf_mlp.layers.{layer}.weight"], add[f"hf_mlp.layers.{layer}.bias"] = (out, CHANNELS), (out,)
    def stack(name, first, second, norm):
        add.update({f"{name}.0.weight": first[0], f"{name}.0.bias": (first[1],), f"{name}.1.weight": (norm,), f"{name}.1.bias": (norm,),
                    f"{name}.3.weight": second[0], f"{name}.3.bias": (second[1],)})
    quarter, eighth = CHANNELS // 4, CHANNELS // 8
    stack("compress_vit_feat", ((WIDTH, CHANNELS, 2, 2), CHANNELS), ((CHANNELS, eighth, 2, 2), eighth), CHANNELS)
    stack("embedding_encoder", ((CHANNELS, quarter, 2, 2), quarter), ((quarter, eighth, 2, 2), eighth), quarter)
    stack("embedding_maskfeature", ((quarter, eighth, 3, 3), quarter), ((eighth, quarter, 3, 3), eighth), quarter)
    state.update({f"mask_decoder.{name}": torch.zeros(shape) for name, shape in add.items()})
    write_names("names_sam_hq.txt", state)
    vision = SamHQVisionConfig(hidden_size=WIDTH, output_channels=CHANNELS, num_hidden_layers=depth, num_attention_heads=HEADS, image_size=IMAGE,
                               patch_size=PATCH, window_size=WINDOW, global_attn_indexes=list(global_blocks), mlp_dim=4 * WIDTH, num_pos_feats=CHANNELS // 2)
    prompts = SamHQPromptEncoderConfig(hidden_size=CHANNELS, image_size=IMAGE, patch_size=PATCH, mask_input_channels=16)
    decoder = SamHQMaskDecoderConfig(hidden_size=CHANNELS, mlp_dim=8, num_attention_heads=HEADS, iou_head_hidden_dim=CHANNELS, vit_dim=WIDTH)
    model = SamHQModel(SamHQConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder))
    write_names("names_hf_sam_hq.txt", model.state_dict())


# -- seeds for the fuzzers

def seeds():
    def put(kind, name, data):
        folder = CORPUS / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    for name in ("small", "views", "views_protocol4", "nnunet", "os_system", "namespace"):
        with zipfile.ZipFile(FILES / f"{name}.pth") as archive:
            put("pickle", name, next(archive.read(member) for member in archive.namelist() if member.endswith("data.pkl")))
    put("pickle", "protocol0_os_system", b"cos\nsystem\n(S'true'\ntR.")
    put("pickle", "scalars", pickle.dumps([None, True, False, 1, 300, 70000, -5, 2**40, 2**80, 1.5, "ä", b"x", (), (1,), (1, 2), (1, 2, 3), [4], {5: 6}], 4))
    for name in ("small", "compressed", "pictures"):
        put("zip", name, (FILES / f"{name}.pth").read_bytes())
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}, 2))
        archive.writestr("a/data/0", b"1234")
    put("zip", "plain", plain.getvalue())
    for name, header in (("one", '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
                         ("two", '{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[2,1],"data_offsets":[0,2]},"b":{"dtype":"BOOL","shape":[],"data_offsets":[2,3]}}'),
                         ("nested", '{"a":{"dtype":"F32","shape":[[[[[1]]]]],"data_offsets":[0,8]}}')):
        put("safetensors", name, struct.pack("<Q", len(header)) + header.encode() + bytes(8 if name == "one" else 3))


FILES.mkdir(exist_ok=True)
torch.manual_seed(5)
sam_files()
other_files()
hq_names()
seeds()
for file in sorted(FILES.iterdir()):
    os.chmod(file, 0o644)
    print(file.name, file.stat().st_size)
