"""Values of the stem conv_stem for adapters/stems/stems_test.cpp, from MaskSAM's formulas with torch's own modules.

Run: python tests/parity/make_stems.py   (torch, safetensors)
Enlarging by 1: (conv, norm, leaky) twice. By 2 or 4: conv, per doubling (transposed conv, norm, GELU), conv, conv.
"""
import os
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

CHANNELS, WIDTH = 2, 4  # of the image, of the first convolution
torch.manual_seed(14)


def conv(n, m, depth):
    return nn.Conv3d(n, m, (depth, 3, 3), padding=(depth // 2, 1, 1))


def doubling(n, m):
    return [nn.ConvTranspose3d(n, m, (1, 2, 2), (1, 2, 2)), nn.InstanceNorm3d(m, affine=True), nn.GELU()]


def stem(upsample, depth):
    if upsample == 1:
        parts = []
        for n, m in [(CHANNELS, WIDTH), (WIDTH, 3)]:
            parts += [conv(n, m, depth), nn.InstanceNorm3d(m, affine=True), nn.LeakyReLU(0.01)]
        return nn.Sequential(*parts)
    ups = doubling(WIDTH, 2 * WIDTH) if upsample == 2 else doubling(WIDTH, WIDTH) + doubling(WIDTH, 2 * WIDTH)
    return nn.Sequential(conv(CHANNELS, WIDTH, depth), *ups, conv(2 * WIDTH, 2 * WIDTH, depth), conv(2 * WIDTH, 3, depth))


image = torch.randn(2, CHANNELS, 3, 4, 5)
out = {"image": image}
with torch.no_grad():
    for upsample, dimensions in [(1, 3), (2, 3), (4, 3), (1, 2), (4, 2)]:
        model = stem(upsample, 3 if dimensions == 3 else 1)
        key = f"{upsample}.{dimensions}d"
        for name, parameter in model.named_parameters():
            fan = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.copy_(torch.randn_like(parameter) * (1 / fan**0.5 if fan > 1 else 0.5))
            out[f"{key}.weights.{name}"] = parameter.clone()
        if dimensions == 3:
            result = model.double()(image.double())
        else:  # every slice alone
            result = torch.cat([model.double()(image[:, :, z:z + 1].double()) for z in range(image.shape[2])], 2)
        out[f"{key}.output"] = result.float()
file = pathlib.Path(__file__).with_name("stems.safetensors")
save_file({name: tensor.contiguous() for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
