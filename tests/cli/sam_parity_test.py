#!/usr/bin/env python3
"""SAM ViT-B of real size, every tensor redrawn, in its files' three forms: what `lamina segment`, `lamina embed` and lamina::Predictor answer is
what PyPI segment-anything and transformers' SamModel answer, at several sizes and shapes of image.

usage: sam_parity_test.py LAMINA SAM_PROBE [SIZE ...]

Needs torch, segment-anything, transformers, safetensors and Pillow; LAMINA_REFERENCE_PYTHON names an interpreter that has them. Exits 77 without.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import torch
    from PIL import Image
    from safetensors.torch import load_file, save_file
    from segment_anything import SamPredictor
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
except ImportError as missing:
    other = os.environ.get("LAMINA_REFERENCE_PYTHON")
    if other and other != sys.executable:
        os.execv(other, [other, *sys.argv])
    print(f"skipped: {missing}; LAMINA_REFERENCE_PYTHON may name an interpreter that has it")
    sys.exit(77)

IMAGES = {224: (300, 517), 256: (256, 256), 512: (517, 300), 1024: (480, 640)}  # height, width
BOUND, NEAR, FEW = 1e-4, 1e-3, 0.01
generator = torch.Generator().manual_seed(21)


def redraw(module):
    """Every tensor at random, such that nothing explodes and masks have both signs."""
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        drawn = torch.randn(tensor.shape, generator=generator)
        table = "pos" in name or tensor.dim() == 2 and any(word in name for word in ("embed", "iou_token", "mask_tokens"))
        if tensor.dim() >= 2 and not table:
            drawn *= 1 / (tensor[0].numel() ** 0.5)
            if "hypernetworks" in name and ("layers.2" in name or "proj_out" in name):
                drawn *= 6
        elif name.endswith("weight") and tensor.dim() == 1:
            drawn = 1 + 0.2 * drawn
        elif "rel_pos" in name or name.endswith("bias"):
            drawn *= 0.1
        elif "pos_embed" in name:
            drawn *= 0.2
        tensor.copy_(drawn)
    return module.eval()


def vit_b(size):
    grid = size // 16
    encoder = ImageEncoderViT(img_size=size, patch_size=16, embed_dim=768, depth=12, num_heads=12, mlp_ratio=4, out_chans=256, qkv_bias=True,
                              norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6), use_rel_pos=True, window_size=14, global_attn_indexes=(2, 5, 8, 11))
    prompts = PromptEncoder(embed_dim=256, image_embedding_size=(grid, grid), input_image_size=(size, size), mask_in_chans=16)
    decoder = MaskDecoder(num_multimask_outputs=3, transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8), transformer_dim=256,
                          iou_head_depth=3, iou_head_hidden_dim=256)
    return redraw(Sam(encoder, prompts, decoder))


def picture(height, width):
    y, x = np.mgrid[0:height, 0:width]
    image = torch.rand((height, width, 3), generator=generator).numpy() * 30
    for _ in range(8):
        cy, cx, r, *colour = torch.rand(6, generator=generator).tolist()
        image[(y - cy * height) ** 2 + (x - cx * width) ** 2 < (r * min(height, width) / 2) ** 2] += np.array(colour) * 220
    return np.clip(image, 0, 255).astype(np.uint8)


def resized(image, size):
    """Pillow's bilinear resizing, columns first, as it was before version 13 chose the steeper axis."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    new = int(height * scale + 0.5), int(width * scale + 0.5)
    across = Image.fromarray(image).resize((new[1], height), Image.BILINEAR)
    return np.array(across.resize((new[1], new[0]), Image.BILINEAR))


class Question:
    def __init__(self, size):
        self.size, (height, width) = size, IMAGES[size]
        self.image = picture(height, width)
        self.points = np.array([[width * 0.4, height * 0.6], [width * 0.8, height * 0.2]]).round()
        self.labels = np.array([1, 0])
        self.box = np.array([width * 0.2, height * 0.25, width * 0.7, height * 0.8]).round()

    def write(self, file):
        save_file({"image": torch.from_numpy(self.image.transpose(2, 0, 1).copy()), "points": torch.tensor(self.points, dtype=torch.float32),
                   "labels": torch.tensor(self.labels), "box": torch.tensor(self.box, dtype=torch.float32)}, file)


def answers_of(sam, question):
    predictor = SamPredictor(sam)
    predictor.transform.apply_image = lambda image: resized(image, question.size)
    predictor.set_image(question.image)
    first = predictor.predict(question.points, question.labels, multimask_output=True, return_logits=True)
    second = predictor.predict(question.points, question.labels, question.box, first[2][1:2], multimask_output=False, return_logits=True)
    found = {"embedding": predictor.features}
    for name, (logits, quality, low_res) in (("first", first), ("second", second)):
        found |= {f"{name}.low_res": torch.tensor(low_res)[None], f"{name}.quality": torch.tensor(quality)[None], f"{name}.logits": torch.tensor(logits)[None]}
    return found


def compare(what, ours, theirs):
    """Largest differences; stops where one is too large. Values beyond 1 count by the largest of their tensor."""
    words = []
    for name, expected in theirs.items():
        got = ours[name].reshape(expected.shape)
        largest = expected.abs().max().item()
        worst = (got - expected).abs().max().item()
        words.append(f"{name} {worst:.1e} of {largest:.1f}")
        if not worst <= BOUND * max(1, largest):
            sys.exit(f"{what}: {name} differs by {worst} (values up to {largest})")
        if name.endswith("logits"):
            compare_masks(f"{what}, {name}", got > 0, expected)
    print(f"{what}: " + ", ".join(words), flush=True)


def compare_masks(what, mask, logits):
    different = mask != (logits > 0)
    if (different & (logits.abs() > NEAR)).any() or different.float().mean() > FEW:
        sys.exit(f"{what}: {different.sum().item()} pixels of masks differ, with logits up to {logits[different].abs().max().item()}")
    share = (logits > 0).float().mean().item()
    if not 0.005 < share < 0.995:
        sys.exit(f"{what}: a mask of {share:.1%} of the image would compare nothing")


def command(*words):
    begin = time.monotonic()
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr, time.monotonic() - begin


def probed(probe, folder, weights, question, model="sam_vit_b"):
    """Predictor's answers; the file must fill the whole model and leave nothing over."""
    question.write(folder / "questions.safetensors")
    said, seconds = command(probe, model, weights, question.size, folder / "questions.safetensors", folder / "answers.safetensors")
    counts = re.search(r"(\d+) loaded, (\d+) resized, (\d+) new, (\d+) ignored, (\d+) of another shape", said)
    if not counts or any(int(count) for count in counts.groups()[1:]):
        sys.exit(f"{weights.name} is not loaded to the last tensor:\n{said}")
    print(f"{weights.name}: {counts[0]}, {seconds:.1f} s with all answers", flush=True)
    return load_file(folder / "answers.safetensors")


def program_answers(lamina, folder, weights, question, theirs):
    """The same through `segment` and `embed`."""
    picture = folder / "picture.png"
    Image.fromarray(question.image).save(picture)
    common = ["--weights", weights, "--size", question.size]
    prompts = sum((["--point", f"{x:.0f},{y:.0f},{label}"] for (x, y), label in zip(question.points, question.labels)), [])
    command(lamina, "segment", picture, *common, *prompts, "--multimask", "--coco", folder / "masks.json", "--overlay", folder / "overlay.png",
            "--output", folder / "labels.png")
    (found,) = json.loads((folder / "masks.json").read_text())["annotations"]
    best = theirs["first.quality"].argmax().item()
    if abs(found["predicted_iou"] - theirs["first.quality"].max().item()) > BOUND:
        sys.exit(f"segment: predicted IoU {found['predicted_iou']}, expected {theirs['first.quality'].max().item()}")
    counts, mask = found["segmentation"]["counts"], []
    for i, count in enumerate(counts):
        mask += [i % 2 == 1] * count
    height, width = found["segmentation"]["size"]
    compare_masks("lamina segment", torch.tensor(mask).reshape(width, height).T, theirs["first.logits"][0, best])
    if not np.array_equal(np.array(Image.open(folder / "labels.png")) > 0, np.array(mask).reshape(width, height).T):
        sys.exit("segment: the label map and the runs differ")
    command(lamina, "embed", picture, *common, "--dtype", "f32", "--output", folder / "embedding.safetensors")
    compare("lamina embed", {"embedding": load_file(folder / "embedding.safetensors")["axis0/features"]}, {"embedding": theirs["embedding"]})
    print(f"lamina segment and lamina embed at {question.size}: as segment-anything", flush=True)


def official_names(lamina, probe, folder, sizes):
    for size in sizes:
        sam, question = vit_b(size), Question(size)
        theirs = answers_of(sam, question)
        torch.save(sam.state_dict(), folder / "sam.pth")
        compare(f"size {size}, image {question.image.shape[1]} x {question.image.shape[0]}", probed(probe, folder, folder / "sam.pth", question), theirs)
        program_answers(lamina, folder, folder / "sam.pth", question, theirs)
        if size != sizes[0]:
            continue
        from_pth = load_file(folder / "answers.safetensors")
        save_file({name: tensor.contiguous() for name, tensor in sam.state_dict().items()}, folder / "sam.safetensors")
        from_safetensors = probed(probe, folder, folder / "sam.safetensors", question)
        if any(not torch.equal(from_pth[name], from_safetensors[name]) for name in from_pth):
            sys.exit("the .pth and its safetensors answer differently")


def names_of_transformers(probe, folder, size=1024):
    from transformers import SamConfig, SamModel
    model, question = redraw(SamModel(SamConfig())), Question(size)
    model.tie_weights()
    model.save_pretrained(folder)
    inside = torch.from_numpy(resized(question.image, size).transpose(2, 0, 1).copy()).float()
    pixels = (inside - torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)) / torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    pixels = torch.nn.functional.pad(pixels, (0, size - inside.shape[2], 0, size - inside.shape[1]))[None]
    height, width = question.image.shape[:2]
    scale = torch.tensor([inside.shape[2] / width, inside.shape[1] / height])
    points = torch.tensor(question.points, dtype=torch.float32) * scale
    embedding = model.get_image_embeddings(pixels)
    found = model(image_embeddings=embedding, input_points=points[None, None], input_labels=torch.tensor(question.labels)[None, None])
    theirs = {"embedding": embedding, "first.low_res": found.pred_masks[0], "first.quality": found.iou_scores[0]}
    compare("transformers' SamModel at 1024", probed(probe, folder, folder / "model.safetensors", question), theirs)


def main():
    lamina, probe = sys.argv[1:3]
    sizes = [int(word) for word in sys.argv[3:]] or list(IMAGES)
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as name:
        official_names(lamina, probe, Path(name), sizes)
        if 1024 in sizes:
            names_of_transformers(probe, Path(name))


if __name__ == "__main__":
    sys.exit(main())
