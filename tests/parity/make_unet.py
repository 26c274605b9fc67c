"""Small U-Nets of dynamic-network-architectures with every tensor redrawn, for tests/parity's U-Net test.

Run: python tests/parity/make_unet.py   (torch 2.11, dynamic-network-architectures 0.4.x, safetensors)
Each file holds the weights under lamina's names, an image, the outputs of all resolutions (finest first), and in its
metadata the `model` section of an experiment that describes the same network.
"""
import json
import os
import pathlib

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from safetensors.torch import save_file
from torch import nn

CLASSES, IN_CHANNELS = 3, 2

NETWORKS = {
    "unet_plain_3d": dict(dimensions=3, residual=False, channels=[4, 6, 8], blocks=[2, 1, 2], decoder=[1, 2],
                          kernels=[[1, 3, 3], [3, 3, 3], [3, 3, 3]], strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]],
                          bias=True, image=[2, 4, 12, 8]),
    "unet_residual_3d": dict(dimensions=3, residual=True, channels=[4, 6, 6], blocks=[1, 2, 1], decoder=[1, 1],
                             kernels=[[1, 3, 3], [3, 3, 3], [3, 3, 3]], strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]],
                             bias=True, image=[1, 4, 12, 8]),
    "unet_plain_2d": dict(dimensions=2, residual=False, channels=[4, 6, 8, 8], blocks=[2, 2, 2, 1], decoder=[2, 1, 2],
                          kernels=[[3, 3], [3, 5], [3, 3], [3, 3]], strides=[[1, 1], [2, 2], [2, 1], [2, 2]],
                          bias=False, image=[2, 3, 16, 12]),
    "unet_residual_2d": dict(dimensions=2, residual=True, channels=[6, 6, 8], blocks=[2, 1, 2], decoder=[2, 1],
                             kernels=[[3, 3], [3, 3], [3, 3]], strides=[[1, 1], [2, 2], [2, 2]],
                             bias=True, image=[2, 2, 12, 16]),
}


def build(spec):
    conv = nn.Conv3d if spec["dimensions"] == 3 else nn.Conv2d
    norm = nn.InstanceNorm3d if spec["dimensions"] == 3 else nn.InstanceNorm2d
    common = dict(input_channels=IN_CHANNELS, n_stages=len(spec["channels"]), features_per_stage=spec["channels"],
                  conv_op=conv, kernel_sizes=spec["kernels"], strides=spec["strides"], num_classes=CLASSES,
                  n_conv_per_stage_decoder=spec["decoder"], conv_bias=spec["bias"], norm_op=norm,
                  norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU,
                  nonlin_kwargs={"inplace": True}, deep_supervision=True)
    if spec["residual"]:
        return ResidualEncoderUNet(n_blocks_per_stage=spec["blocks"], **common)
    return PlainConvUNet(n_conv_per_stage=spec["blocks"], **common)


def redraw(network):
    for name, parameter in network.named_parameters():
        noise = torch.randn_like(parameter)
        scale = 0.2 if "seg_layers" in name else 0.4
        parameter.data = 1 + 0.5 * noise if name.endswith("norm.weight") else scale * noise


def reference_outputs(network, image, folded):
    """Outputs [B, K, D, H, W], finest first, in double precision: float32 would add its own rounding to lamina's."""
    network, image = network.double(), image.double()
    with torch.no_grad():
        if not folded:
            return network(image)
        outputs = network(image.transpose(1, 2).flatten(0, 1))
    batch, _, depth = image.shape[:3]
    return [o.unflatten(0, (batch, depth)).transpose(1, 2) for o in outputs]


def model_section(spec):
    return {"encoder": {"type": "unet_encoder", "conv_bias": spec["bias"],
                        **{key: spec[key] for key in ("dimensions", "residual", "channels", "blocks", "kernels", "strides")}},
            "decoder": {"type": "unet", "convs_per_stage": spec["decoder"], "conv_bias": spec["bias"]}}


def main():
    folder = pathlib.Path(__file__).parent
    for index, (name, spec) in enumerate(NETWORKS.items()):
        torch.manual_seed(index)
        network = build(spec).eval()
        redraw(network)
        batch, *size = spec["image"]
        image = torch.randn(batch, IN_CHANNELS, *size)  # [B, C, D, H, W]
        tensors = {f"weights.{key}": value.data.clone() for key, value in network.named_parameters()}
        tensors["image"] = image
        outputs = reference_outputs(network, image, folded=spec["dimensions"] == 2)
        assert all(0.2 < o.std() and o.abs().max() < 4 for o in outputs), [(o.std(), o.abs().max()) for o in outputs]
        tensors.update({f"output.{i}": o.float().contiguous() for i, o in enumerate(outputs)})
        setup = {"model": model_section(spec), "patch": size, "classes": CLASSES, "image_channels": IN_CHANNELS}
        file = folder / f"{name}.safetensors"
        save_file(tensors, file, metadata={"setup": json.dumps(setup)})
        os.chmod(file, 0o644)
        print(file.name, file.stat().st_size, "bytes; SD of outputs", [round(o.std().item(), 2) for o in outputs])


main()
