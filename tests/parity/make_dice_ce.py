"""Values of cross-entropy plus soft Dice for plugins/losses/dice_ce/dice_ce_test.cpp.

Run: python tests/parity/make_dice_ce.py   (numpy, safetensors; torch and nnunetv2 as a second opinion)
The expected numbers come from the formulas written out in numpy; where nnunetv2 has the same setting, its loss must
agree before the file is written (it has no squared denominators).
"""
import json
import os
import pathlib

import numpy as np
import torch
from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from safetensors.numpy import save_file

CLASSES, IGNORE = 4, 4
SIZES = [(4, 8, 6), (4, 4, 3), (2, 2, 1)]


def downsample(labels, size):
    """Nearest voxel to the centre of each coarse one."""
    for axis, count in enumerate(size, start=2):
        index = np.floor((np.arange(count) + 0.5) * labels.shape[axis] / count).astype(int)
        labels = np.take(labels, index, axis)
    return labels


def parts(logits, labels, setting):
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    mask = np.ones_like(labels, bool) if setting["ignore"] is None else labels != setting["ignore"]
    target = np.where(mask, labels, 0)
    picked = np.take_along_axis(log_p, target, 1)
    ce = -picked[mask].mean() if mask.any() else 0.0
    truth = np.concatenate([target == c for c in range(CLASSES)], 1) * mask
    p = np.exp(log_p) * mask
    axes = (0, 2, 3, 4) if setting["batch_dice"] else (2, 3, 4)
    both, size = (p * truth).sum(axes), (p**2 if setting["squared"] else p).sum(axes) + truth.sum(axes)
    dice = (2 * both + setting["smooth"]) / np.maximum(size + setting["smooth"], 1e-8)
    if not setting["background"]:
        dice = dice[..., 1:]
    return ce, -dice.mean()


def expected(logits, labels, setting):
    weights = np.array(setting["weights"] or [0.5**i if i + 1 < len(logits) else 0.0 for i in range(len(logits))])
    if len(logits) == 1:
        weights = np.ones(1)
    weights = weights / weights.sum()
    rows = [parts(x, downsample(labels, x.shape[2:]), setting) for x in logits]
    return [float(sum(w * row[i] for w, row in zip(weights, rows))) for i in (0, 1)], weights


def nnunet(logits, labels, setting, weights):
    loss = DC_and_CE_loss({"batch_dice": setting["batch_dice"], "smooth": setting["smooth"], "do_bg": setting["background"], "ddp": False},
                          {}, weight_ce=1, weight_dice=1, ignore_label=setting["ignore"], dice_class=MemoryEfficientSoftDiceLoss)
    targets = [torch.from_numpy(downsample(labels, x.shape[2:]).astype(np.float32)) for x in logits]
    return DeepSupervisionWrapper(loss, weights)([torch.from_numpy(x).double() for x in logits], targets).item()


def main():
    random = np.random.default_rng(5)
    logits = [random.normal(0, 2, (2, CLASSES, *size)).astype(np.float32) for size in SIZES]
    labels = random.integers(0, CLASSES, (2, 1, *SIZES[0]))
    labels[1][labels[1] == 2] = 0  # a class that one sample lacks
    with_ignore = labels.copy()
    with_ignore[random.random(labels.shape) < 0.3] = IGNORE

    base = {"smooth": 1e-5, "batch_dice": False, "background": False, "squared": False, "ignore": None, "weights": [], "resolutions": 3}
    settings = {"plain": {}, "one_resolution": {"resolutions": 1}, "batch_dice": {"batch_dice": True}, "background": {"background": True},
                "smooth": {"smooth": 1.0}, "ignore": {"ignore": IGNORE}, "ignore_batch_dice": {"ignore": IGNORE, "batch_dice": True},
                "weights": {"weights": [1.0, 2.0, 1.0]}, "squared": {"squared": True, "batch_dice": True, "background": True, "resolutions": 1}}
    rows = {}
    for name, change in settings.items():
        setting = {**base, **change}
        used = with_ignore if setting["ignore"] is not None else labels
        chosen = [x.astype(np.float64) for x in logits[:setting["resolutions"]]]
        (ce, dice), weights = expected(chosen, used, setting)
        other = ce + dice if setting["squared"] else nnunet(chosen, used, setting, weights)
        assert abs(ce + dice - other) < 2e-6, (name, ce + dice, other)
        rows[name] = {**setting, "ce": ce, "dice": dice}
        print(f"{name}: ce {ce:.6f}, dice {dice:.6f}, nnunetv2 {other:.6f}")

    file = pathlib.Path(__file__).with_name("dice_ce.safetensors")
    tensors = {f"logits.{i}": x for i, x in enumerate(logits)}
    save_file({**tensors, "labels": labels.astype(np.int64), "labels_with_ignore": with_ignore.astype(np.int64)}, file,
              metadata={"settings": json.dumps(rows)})
    os.chmod(file, 0o644)


main()
