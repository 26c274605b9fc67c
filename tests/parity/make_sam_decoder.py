"""Values of SAM's prompt encoder, two-way transformer and mask decoder from PyPI segment-anything 1.0, for
tests/unit/core/nn_prompt_encoder_test.cpp, nn_two_way_test.cpp and decoders/sam_mask/sam_mask_test.cpp.

Run: python tests/parity/make_sam_decoder.py   (torch, segment-anything, safetensors)
Small, with a grid that is not square; every tensor is redrawn, norms and the Fourier matrix included.
"""
import os
import pathlib

import torch
from safetensors.torch import save_file
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer

C, HEADS, MLP, GRID, PATCH = 24, 3, 40, (3, 4), (24, 32)  # cells of 8 x 8 pixels


def redraw(module):
    for name, tensor in module.state_dict().items():
        last = "hypernetworks" in name and "layers.2" in name  # masks need a spread, as logits have
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2.5 if last else 0.3))
        if ".norm" in name and name.endswith("weight"):
            tensor.add_(1)
    return module.eval()


def normal(*shape, scale=1.0):
    return torch.randn(shape, generator=generator) * scale


def run_decoder(decoder, image, index, sparse, dense, multimask):
    """The reference takes one image per call: prompts go image by image."""
    masks, quality = [], []
    for i in range(image.shape[0]):
        rows = index == i
        out = decoder(image[i:i + 1], prompt.get_dense_pe(), sparse[rows], dense[rows], multimask)
        masks.append(out[0])
        quality.append(out[1])
    return torch.cat(masks), torch.cat(quality)


generator = torch.Generator().manual_seed(7)
torch.set_grad_enabled(False)
prompt = redraw(PromptEncoder(C, GRID, PATCH, 16))
decoder = redraw(MaskDecoder(transformer_dim=C, transformer=TwoWayTransformer(2, C, HEADS, MLP), iou_head_hidden_dim=C))
out = {f"weights.prompt_encoder.{name}": tensor for name, tensor in prompt.state_dict().items()}
out |= {f"weights.{name}": tensor for name, tensor in decoder.state_dict().items()}

# Five prompts over two images, ordered by image.
index = torch.tensor([0, 0, 1, 1, 1])
points = torch.rand((5, 3, 2), generator=generator) * torch.tensor([PATCH[1], PATCH[0]], dtype=torch.float32)
labels = torch.tensor([[1, 0, -1], [1, 1, 0], [0, -1, -1], [1, -1, 0], [1, 1, 1]])
corner = torch.rand((5, 2), generator=generator) * 10
boxes = torch.cat([corner, corner + 1 + torch.rand((5, 2), generator=generator) * 12], 1)
boxes[2] = torch.tensor([4.0, 5.0, 4.0, 5.0])  # a degenerate box is legal
mask_logits = normal(5, 1, 4 * GRID[0], 4 * GRID[1], scale=4)
image = normal(2, C, *GRID)
out |= {"image_index": index, "points": points, "point_labels": labels, "boxes": boxes, "mask_logits": mask_logits, "image": image,
        "dense_pe": prompt.get_dense_pe()}

cases = {"none": {}, "points": {"points": (points, labels)}, "boxes": {"boxes": boxes}, "masks": {"masks": mask_logits},
         "points_boxes": {"points": (points, labels), "boxes": boxes},
         "all": {"points": (points, labels), "boxes": boxes, "masks": mask_logits}}
for name, given in cases.items():
    given = {"points": None, "boxes": None, "masks": None} | given
    sparse, dense = prompt(**given)
    if name != "none":
        out[f"{name}.sparse"], out[f"{name}.dense"] = sparse, dense
        for words, multimask in (("single", False), ("several", True)):
            out[f"{name}.{words}.masks"], out[f"{name}.{words}.quality"] = run_decoder(decoder, image, index, sparse, dense, multimask)
    else:  # one prompt per image
        pair = (sparse.expand(2, -1, -1), dense.expand(2, -1, -1, -1))
        out["none.dense"] = dense
        out["none.single.masks"], out["none.single.quality"] = run_decoder(decoder, image, torch.arange(2), *pair, False)

tokens = normal(5, 6, C)
transformer_image = image[index] + normal(5, C, *GRID)
hidden, keys = decoder.transformer(transformer_image, prompt.get_dense_pe().expand(5, -1, -1, -1), tokens)
out |= {"transformer.tokens": tokens, "transformer.image": transformer_image, "transformer.out.tokens": hidden, "transformer.out.image": keys}
assert out["all.several.masks"].std() > 1, "masks without spread would compare nothing"

file = pathlib.Path(__file__).with_name("sam_decoder.safetensors")
save_file({name: tensor.contiguous().clone() for name, tensor in out.items()}, file)
os.chmod(file, 0o644)
print(file.stat().st_size, "bytes; masks' SD", float(out["all.several.masks"].std()))
