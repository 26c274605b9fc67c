"""What PyPI segment-anything 1.0 does around the network, for tests/unit/engine/segment_parity_test.cpp: Pillow's resizing,
SamPredictor with points, boxes and masks on images of several sizes, SamAutomaticMaskGenerator with and without crops.

Run: python tests/parity/make_segment.py   (torch, torchvision, segment-anything, opencv-python-headless, safetensors)
A small SAM, every tensor redrawn, with the names of the official files.
"""
import os
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from segment_anything import SamAutomaticMaskGenerator, SamPredictor
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.utils.transforms import ResizeLongestSide

SIDE, PATCH, C = 64, 8, 24
GRID = SIDE // PATCH
torch.manual_seed(0)
torch.set_grad_enabled(False)
generator = torch.Generator().manual_seed(12)


def redraw(module):
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * spread(name))
        if "norm" in name and name.endswith("weight"):
            tensor.add_(1)
    return module.eval()


def spread(name):
    """Such that masks have logits apart, and that it matters where a point is."""
    if "hypernetworks" in name and "layers.2" in name:
        return 2.5
    if "mask_decoder" in name or "point_emb" in name:
        return 0.6
    return 1.5 if "gaussian" in name else 0.3


def make_masks_small(image, threshold=12):
    """Takes the part of the masks that is the same everywhere out, and a threshold off: blobs here and there remain."""
    held, predictor = [], SamPredictor(sam)
    hook = sam.mask_decoder.output_upscaling.register_forward_hook(lambda module, given, result: held.append(result))
    predictor.set_image(image)
    predictor.predict(np.array([[image.shape[1] / 2, image.shape[0] / 2]]), np.array([1]))
    hook.remove()
    mean = held[0].mean((0, 2, 3))
    apart = torch.eye(len(mean)) - torch.outer(mean, mean) / mean.dot(mean)
    for mlp in sam.mask_decoder.output_hypernetworks_mlps:
        mlp.layers[2].weight.copy_(apart @ mlp.layers[2].weight)
        mlp.layers[2].bias.copy_(apart @ mlp.layers[2].bias - threshold * mean / mean.dot(mean))


encoder = ImageEncoderViT(img_size=SIDE, patch_size=PATCH, embed_dim=32, depth=2, num_heads=2, mlp_ratio=4, out_chans=C, qkv_bias=True,
                          norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6), use_rel_pos=True, window_size=3, global_attn_indexes=(1,))
sam = redraw(Sam(encoder, PromptEncoder(C, (GRID, GRID), (SIDE, SIDE), 16),
                 MaskDecoder(transformer_dim=C, transformer=TwoWayTransformer(2, C, 3, 40), iou_head_hidden_dim=C)))


def picture(height, width):
    """Blobs of colour under noise, so that masks have something to follow."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.zeros((height, width, 3))
    for _ in range(6):
        cy, cx, r = (torch.rand(3, generator=generator).numpy() * [height, width, min(height, width) / 2])
        image += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (r + 2) ** 2)[..., None] * torch.rand(3, generator=generator).numpy() * 255
    image += torch.randn((height, width, 3), generator=generator).numpy() * 8
    return np.clip(image, 0, 255).astype(np.uint8)


everywhere = picture(180, 220)
make_masks_small(everywhere)
out = {f"weights.{name}": tensor for name, tensor in sam.state_dict().items()}


def chw(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


for name, (height, width) in {"grow": (37, 50), "shrink": (90, 131), "same": (64, 64), "tall": (131, 90)}.items():
    image = picture(height, width)
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    point, label = np.array([[width * 0.4, height * 0.6], [width * 0.8, height * 0.2]]), np.array([1, 0])
    box = np.array([width * 0.2, height * 0.25, width * 0.7, height * 0.8])
    first = predictor.predict(point, label, multimask_output=True, return_logits=True)
    second = predictor.predict(point, label, box, first[2][1:2], multimask_output=False, return_logits=True)
    out |= {f"{name}.image": chw(image), f"{name}.resized": chw(ResizeLongestSide(SIDE).apply_image(image)),
            f"{name}.embedding": predictor.features, f"{name}.points": torch.tensor(point), f"{name}.labels": torch.tensor(label),
            f"{name}.box": torch.tensor(box)}
    for words, (masks, quality, low_res) in (("first", first), ("second", second)):
        out |= {f"{name}.{words}.quality": torch.tensor(quality), f"{name}.{words}.low_res": torch.tensor(low_res)}
    out[f"{name}.second.masks"] = torch.tensor(second[0])


def everything(name, image, **options):
    found = SamAutomaticMaskGenerator(sam, points_per_batch=20, output_mode="uncompressed_rle", **options).generate(image)
    assert len(found) >= 20, f"{name}: {len(found)} masks are too few to compare"
    out.update({f"{name}.counts": torch.tensor(sum((one["segmentation"]["counts"] for one in found), [])),
                f"{name}.runs": torch.tensor([len(one["segmentation"]["counts"]) for one in found]),
                f"{name}.box": torch.tensor([[int(v) for v in one["bbox"]] for one in found]),
                f"{name}.crop": torch.tensor([[int(v) for v in one["crop_box"]] for one in found]),
                f"{name}.point": torch.tensor([one["point_coords"][0] for one in found], dtype=torch.float64)})
    for key in ("predicted_iou", "stability_score", "area"):
        out[f"{name}.{key}"] = torch.tensor([float(one[key]) for one in found])
    print(name, len(found), "masks, stability", out[f"{name}.stability_score"].min().item(), "to", out[f"{name}.stability_score"].max().item())


out["everything.image"] = chw(everywhere)
common = dict(points_per_side=12, pred_iou_thresh=0.05, stability_score_thresh=0.05, box_nms_thresh=0.97, crop_nms_thresh=0.97)
everything("whole", everywhere, **common)
everything("crops", everywhere, crop_n_layers=1, crop_n_points_downscale_factor=2, **common)
everything("cleaned", everywhere, min_mask_region_area=12, **common)

folder = pathlib.Path(__file__).parent
save_file({name: tensor.contiguous() for name, tensor in out.items()}, folder / "segment.safetensors")
print(os.path.getsize(folder / "segment.safetensors") // 1024, "KiB")
