"""Values of MaskSAM's prompt generator for prompters/masksam/masksam_test.cpp, from its description with torch's functions.

Run: python tests/parity/make_masksam_prompter.py   (torch, safetensors)
Three set-ups: `deep` has as many taps as it can use (the released AMOS form, with deep supervision), `shallow` has more, which
are merged at the finest stage through the last skip branch (the released ACDC form, with its hard masks and whole pixels),
`flat` works slice by slice, enlarges bilinearly, repeats its only tap and does not normalise boxes.
Computed in float64 from weights and inputs that were rounded to float32.
"""
import os
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file


class Net:
    """Draws a weight when it is first asked for, so that the names follow the computation."""

    def __init__(self, seed, flat=False, bilinear=False):
        self.random = torch.Generator().manual_seed(seed)
        self.weights = {}
        self.kernel = (1, 3, 3) if flat else (3, 3, 3)
        self.padding = (0, 1, 1) if flat else (1, 1, 1)
        self.bilinear = bilinear

    def draw(self, *shape, scale=1.0, shift=0.0):
        return (torch.randn(*shape, generator=self.random) * scale + shift).float().double()

    def get(self, name, *shape, scale, shift=0.0):
        if name not in self.weights:
            self.weights[name] = self.draw(*shape, scale=scale, shift=shift)
        return self.weights[name]

    def conv(self, x, name, out, kernel=None, gain=1.0):
        kernel = kernel or self.kernel
        inputs = x.shape[1] * kernel[0] * kernel[1] * kernel[2]
        weight = self.get(f"{name}.weight", out, x.shape[1], *kernel, scale=gain * inputs**-0.5)
        bias = self.get(f"{name}.bias", out, scale=0.3)
        return F.conv3d(x, weight, bias, padding=tuple(k // 2 for k in kernel))

    def norm(self, x, name):
        weight = self.get(f"{name}.weight", x.shape[1], scale=0.3, shift=1.0)
        bias = self.get(f"{name}.bias", x.shape[1], scale=0.3)
        mean = x.mean((2, 3, 4), keepdim=True)
        variance = ((x - mean)**2).mean((2, 3, 4), keepdim=True)
        shape = (1, -1, 1, 1, 1)
        return (x - mean) / (variance + 1e-5).sqrt() * weight.view(shape) + bias.view(shape)

    def block(self, x, name, out):
        x = self.norm(self.conv(x, f"{name}.conv", out), f"{name}.norm")
        return torch.where(x > 0, x, 0.01 * x)

    def double(self, x, name, out):
        if self.bilinear:
            x = self.conv(x, name, out, (1, 1, 1))
            return torch.stack([F.interpolate(plane, scale_factor=2, mode="bilinear", align_corners=False) for plane in x.unbind(2)], 2)
        weight = self.get(f"{name}.weight", x.shape[1], out, 1, 2, 2, scale=x.shape[1]**-0.5)
        return F.conv_transpose3d(x, weight, self.get(f"{name}.bias", out, scale=0.3), stride=(1, 2, 2))

    def skip(self, tap, name, out, doublings):
        for i in range(doublings):
            tap = self.block(self.double(tap, f"{name}.{2 * i}", out), f"{name}.{2 * i + 1}", out)
        return tap


def generate(net, embedding, taps, channels):
    """Outputs of all stages, [B, c, D, 2^s g, 2^s g]; taps are deepest first."""
    x = embedding
    for i in range(2):
        x = net.block(x, f"image_decoder_stages.0.convs.{i}", channels[0])
    outputs = [x]
    for s in range(1, len(channels)):
        x = net.double(x, f"image_decoder_transpconvs.{s - 1}", channels[s])
        x = torch.cat([x, net.skip(taps[s - 1], f"image_decoder_skips.{s - 1}", channels[s], s)], 1)
        x = net.block(x, f"image_decoder_stages.{s}.convs.0", channels[s])
        outputs.append(x)
    last = len(channels) - 1
    for extra in range(last, len(taps)):  # the same branch serves them all
        x = torch.cat([x, net.skip(taps[extra], f"image_decoder_skips.{last - 1}", channels[last], last)], 1)
        x = net.block(x, f"image_decoder_stages.{extra + 1}.convs.0", channels[last])
        outputs.append(x)
    return outputs


def rows(maps):
    """[B, Q, D, ...] -> [B*D*Q, ...], (b, d, q) with q fastest."""
    return torch.stack([maps[b, q, d] for b in range(maps.shape[0]) for d in range(maps.shape[2]) for q in range(maps.shape[1])])


def pooled(outputs, size):
    return torch.cat([torch.stack([F.adaptive_avg_pool2d(x[:, :, d], size) for d in range(x.shape[2])], 2) for x in outputs], 1)


def mask_boxes(masks):
    boxes = torch.zeros(len(masks), 4, dtype=torch.float64)
    for box, mask in zip(boxes, masks):
        ys, xs = torch.nonzero(mask, as_tuple=True)
        if len(xs):
            h, w = mask.shape
            box[:] = torch.tensor([xs.min() / w, ys.min() / h, xs.max() / w, ys.max() / h])
    return boxes


def run(name, seed, batch, depth, grid, stride, width, tap_width, taps, channels, queries, pool, flat=False, released=False, deep=False):
    net = Net(seed, flat, bilinear=flat)
    embedding = net.draw(batch * depth, width, *grid)
    drawn = [net.draw(batch * depth, tap_width, *grid) for _ in range(taps)]  # tap.0, tap.1, ...: shallowest first

    def volume(x):
        return x.unsqueeze(2) if flat else x.unflatten(0, (batch, depth)).transpose(1, 2)

    order = [volume(tap) for tap in reversed(drawn)]
    while len(order) < len(channels) - 1:
        order.append(order[-1])
    outputs = generate(net, volume(embedding), order, channels)
    last = len(channels) - 1
    mask_maps = {last: net.conv(outputs[-1], f"image_decoder_seg_layers.{last}", queries, (1, 1, 1), gain=6.0)}
    for s in range(last if deep else 0):
        mask_maps[s] = net.conv(outputs[s], f"image_decoder_seg_layers.{s}", queries, (1, 1, 1))
    masks = rows(mask_maps[last])
    assert masks.std() > 1 and masks.abs().min() > 2e-5, (masks.std(), masks.abs().min())
    shares = [(mask > 0).double().mean().item() for mask in masks]
    assert sum(0.02 < share < 0.98 for share in shares) > len(shares) / 2, shares
    maps = net.conv(pooled(outputs, (2, 2)), "bbox_conv.0", queries, (1, 1, 1))
    if not flat:
        maps = net.norm(maps, "bbox_conv.1")
    fractions = rows(maps).sigmoid()
    boxes = torch.cat([fractions[:, 0], fractions[:, 0] + (1 - fractions[:, 0]) * fractions[:, 1]], 1)
    tokens = rows(F.gelu(net.norm(net.conv(pooled(outputs, pool), "residual_classifier.0", queries), "residual_classifier.1")))
    patch = [grid[0] * stride, grid[1] * stride]
    pixels = (boxes + mask_boxes(masks > 0)) / 2 * torch.tensor([patch[1], patch[0], patch[1], patch[0]])
    size = [4 * grid[0], 4 * grid[1]]
    if released:
        prompt = F.interpolate((masks > 0).double()[:, None], size, mode="nearest")
        assert ((pixels - pixels.round()).abs() > 1e-4).all()
        pixels = pixels.floor()
    else:
        prompt = F.interpolate(masks.clamp(-10, 10)[:, None], size, mode="bilinear", align_corners=False)
    result = {"embedding": embedding, "masks": masks, "boxes": boxes, "prompt_boxes": pixels, "prompt_masks": prompt,
              "tokens": tokens.flatten(1)[:, None]}
    result |= {f"tap.{i}": tap for i, tap in enumerate(drawn)}
    result |= {f"masks.{last - s}": rows(maps) for s, maps in mask_maps.items() if s != last}
    result |= {f"weights.{key}": weight for key, weight in net.weights.items()}
    return {f"{name}.{key}": tensor.float().contiguous() for key, tensor in result.items()}


out = run("deep", 21, 2, 3, (2, 2), 8, 16, 12, 3, [8, 6, 6, 4], 3, (4, 4), deep=True)
out |= run("shallow", 22, 1, 2, (3, 2), 4, 12, 10, 4, [8, 4, 4], 2, (3, 4), released=True)
out |= run("flat", 23, 2, 2, (2, 3), 4, 8, 6, 1, [6, 4, 4], 2, (2, 4), flat=True)
file = pathlib.Path(__file__).with_name("masksam_prompter.safetensors")
save_file(out, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes")
