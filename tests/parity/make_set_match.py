"""Values of the set prediction loss for plugins/losses/set_match/*_test.cpp.

Run: python tests/parity/make_set_match.py   (numpy, scipy, torch, torchvision, safetensors)
Every formula is written out in numpy, pair by pair and in double precision; the matching is scipy's, the generalised
overlap torchvision's, and where points are sampled by chance, torch's generator draws them in the loss's order.
"""
import json
import os
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from scipy.optimize import linear_sum_assignment
from torchvision.ops import generalized_box_iou

CLASSES, IGNORE, QUERIES, ROWS, DEPTH, HEIGHT, WIDTH, SEED = 4, 4, 6, 2, 2, 12, 10, 7
SLICES = ROWS * DEPTH
DEFAULTS = {"points": 0, "oversample": 2.0, "importance": 0.75, "no_object": 0.1, "assign": "hungarian", "background": "class",
            "aux_mask_input": "logits", "deep_supervision": "none", "ignores": False, "aux": True,
            "weights": {"class": 0.2, "mask": 1.5, "dice": 1.5, "aux_mask": 0.5, "aux_l1": 0.5, "aux_giou": 0.2}}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def at_points(image, points):
    """Bilinear between pixel centres, 0 outside; points (x, y) in [0, 1]."""
    height, width = image.shape
    values = np.zeros(len(points))
    for n, (px, py) in enumerate(points):
        x, y = px * width - 0.5, py * height - 0.5
        for row in (int(np.floor(y)), int(np.floor(y)) + 1):
            for column in (int(np.floor(x)), int(np.floor(x)) + 1):
                if 0 <= row < height and 0 <= column < width:
                    values[n] += image[row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return values


def enlarged(image, height, width):
    """Bilinear with edges held (align_corners false)."""
    def ends(count, size):
        position = np.clip((np.arange(count) + 0.5) * size / count - 0.5, 0, None)
        low = np.minimum(np.floor(position).astype(int), size - 1)
        return low, np.minimum(low + 1, size - 1), position - low
    top, bottom, down = ends(height, image.shape[0])
    left, right, along = ends(width, image.shape[1])
    rows = image[top] * (1 - down)[:, None] + image[bottom] * down[:, None]
    return rows[:, left] * (1 - along) + rows[:, right] * along


def fit(logits, truth, counted):
    """Binary cross-entropy and Dice of one mask with one target; `counted` weighs their pixels."""
    entropy = np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - logits * truth
    p = sigmoid(logits)
    dice = 1 - (2 * (p * truth * counted).sum() + 1) / ((p * counted).sum() + (truth * counted).sum() + 1)
    return (entropy * counted).sum() / counted.sum(), dice


class Loss:
    def __init__(self, data, setting):
        self.setting, self.weights = setting, setting["weights"]
        self.first = 1 if setting["background"] == "ignore" else 0
        self.kinds = CLASSES - self.first
        labels = data["labels_with_ignore" if setting["ignores"] else "labels"]
        self.labels = labels.reshape(SLICES, HEIGHT, WIDTH)
        self.generator = torch.Generator().manual_seed(SEED)
        self.data, self.terms = data, {}

    def random_points(self, rows, count):
        return torch.rand((rows, count, 2), generator=self.generator).double().numpy()

    def mask(self, s, k):
        return (self.labels[s] == k + self.first).astype(float)

    def box(self, s, k):
        rows, columns = np.nonzero(self.mask(s, k))
        if len(rows) == 0:
            return np.zeros(4)
        return np.array([columns.min() / WIDTH, rows.min() / HEIGHT, columns.max() / WIDTH, rows.max() / HEIGHT])

    def present(self, s):
        return [k for k in range(self.kinds) if self.mask(s, k).any()]

    def seen(self, maps, s, q, k, points):
        """Logits, target and weights of query q and class k of slice s, in all pixels or at points."""
        ignored = (self.labels[s] == IGNORE).astype(float) if self.setting["ignores"] else np.zeros((HEIGHT, WIDTH))
        if points is None:
            return enlarged(maps[s, q], HEIGHT, WIDTH).ravel(), self.mask(s, k).ravel(), 1 - ignored.ravel()
        return at_points(maps[s, q], points), at_points(self.mask(s, k), points), 1 - at_points(ignored, points)

    def aux_maps(self, name):
        maps = self.data[name].astype(float).reshape(SLICES, QUERIES, *self.data[name].shape[1:])
        return sigmoid(maps) if self.setting["aux_mask_input"] == "prob" else maps

    def costs(self, scores, masks, points):
        w, boxes = self.weights, self.data["aux_boxes"].astype(float).reshape(SLICES, QUERIES, 4)
        p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        total = np.zeros((SLICES, QUERIES, self.kinds))
        for s, q, k in np.ndindex(total.shape):
            where = None if points is None else points[s]
            bce, dice = fit(*self.seen(masks, s, q, k, where))
            value = -w.get("class_match", w["class"]) * p[s, q, k] + w["mask"] * bce + w["dice"] * dice
            if self.setting["aux"]:
                bce, dice = fit(*self.seen(self.aux_maps("aux_masks"), s, q, k, where))
                value += w["aux_mask"] * bce + w.get("aux_dice", w["aux_mask"]) * dice
                value += w["aux_l1"] * np.abs(boxes[s, q] - self.box(s, k)).sum()
                value -= w["aux_giou"] * overlap(boxes[s, q], self.box(s, k))
            total[s, q, k] = value
        return total

    def match(self, scores, masks):
        """(slice, query, class), ordered by slice and class."""
        pairs = []
        if self.setting["assign"] == "fixed_by_class":
            return [(s, k, k) for s in range(SLICES) for k in self.present(s)]
        points = self.random_points(SLICES, self.setting["points"]) if self.setting["points"] else None
        costs = self.costs(scores, masks, points)
        for s in range(SLICES):
            kinds = self.present(s)
            rows, columns = linear_sum_assignment(costs[s][:, kinds])
            pairs += sorted(((s, q, kinds[c]) for q, c in zip(rows, columns)), key=lambda pair: pair[2])
        return pairs

    def uncertain_points(self, maps, pairs):
        count, setting = self.setting["points"], self.setting
        many, best = int(count * setting["oversample"]), int(count * setting["importance"])
        candidates, chosen = self.random_points(len(pairs), many), []
        for (s, q, _), points in zip(pairs, candidates):
            doubt = -np.abs(at_points(maps[s, q], points))
            if setting["ignores"]:
                doubt[at_points((self.labels[s] == IGNORE).astype(float), points) > 0.5] = -1e30
            chosen.append(points[np.argsort(-doubt)[:best]])
        return np.concatenate([np.stack(chosen), self.random_points(len(pairs), count - best)], 1)

    def share(self):
        return 1 / max(1, sum(len(self.present(s)) for s in range(SLICES)))

    def add(self, name, value):
        self.terms[name] = self.terms.get(name, 0.0) + float(value)

    def add_masks(self, maps, pairs, bce_name, dice_name):
        points = self.uncertain_points(maps, pairs) if self.setting["points"] else [None] * len(pairs)
        fits = [fit(*self.seen(maps, *pair, where)) for pair, where in zip(pairs, points)]
        self.add(bce_name, sum(one[0] for one in fits) * self.share())
        self.add(dice_name, sum(one[1] for one in fits) * self.share())

    def add_queries(self, scores, masks, pairs, prefix):
        self.add_masks(masks, pairs, prefix + "mask", prefix + "dice")
        wanted = np.full((SLICES, QUERIES), self.kinds)
        for s, q, k in pairs:
            wanted[s, q] = k
        log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        weight = np.where(wanted == self.kinds, self.setting["no_object"], 1.0)
        picked = np.take_along_axis(log_p, wanted[..., None], -1)[..., 0]
        self.add(prefix + "class", -(weight * picked).sum() / weight.sum())

    def outputs(self, suffix=""):
        scores = self.data["scores" + suffix].astype(float).reshape(SLICES, QUERIES, -1)[..., self.first:]
        return scores, self.data["masks" + suffix].astype(float).reshape(SLICES, QUERIES, HEIGHT, WIDTH)

    def run(self):
        scores, masks = self.outputs()
        pairs = self.match(scores, masks)
        self.add_queries(scores, masks, pairs, "")
        if self.setting["aux"]:
            self.add_masks(self.aux_maps("aux_masks"), pairs, "aux_mask", "aux_dice")
            boxes = self.data["aux_boxes"].astype(float).reshape(SLICES, QUERIES, 4)
            self.add("aux_l1", sum(np.abs(boxes[s, q] - self.box(s, k)).sum() for s, q, k in pairs) * self.share())
            self.add("aux_giou", sum(1 - overlap(boxes[s, q], self.box(s, k)) for s, q, k in pairs) * self.share())
        if self.setting["deep_supervision"] == "decoder_layers":
            for stage in (".0", ".1"):
                scores, masks = self.outputs(stage)
                self.add_queries(scores, masks, self.match(scores, masks), "stages_")
        if self.setting["deep_supervision"] == "generator_stages":
            for stage in (".0", ".1"):
                self.add_masks(self.aux_maps("aux_masks" + stage), pairs, "stages_aux_mask", "stages_aux_dice")
        return pairs


def overlap(a, b):
    return generalized_box_iou(torch.from_numpy(a)[None], torch.from_numpy(b)[None]).item()


def make_data(random):
    labels = np.zeros((ROWS, 1, DEPTH, HEIGHT, WIDTH), np.int64)
    labels[0, 0, 0, 2:7, 1:6], labels[0, 0, 0, 8:11, 4:9], labels[0, 0, 0, 1:4, 7:9] = 1, 2, 3
    labels[0, 0, 1, 3:9, 2:8], labels[0, 0, 1, 5, 5] = 1, 3  # class 3 in one pixel: an empty box
    labels[1, 0, 0, 6:12, 0:4] = 2                           # two classes are absent; slice [1, 1] has none
    with_ignore = labels.copy()
    with_ignore[random.random(labels.shape) < 0.2] = IGNORE
    corners = np.sort(random.random((SLICES * QUERIES, 2, 2)), 1)
    data = {"labels": labels, "labels_with_ignore": with_ignore, "aux_boxes": corners.reshape(-1, 4)}
    for suffix in ("", ".0", ".1"):
        data["scores" + suffix] = random.normal(0, 1.5, (SLICES * QUERIES, CLASSES + 1))
        data["masks" + suffix] = random.normal(0, 2, (SLICES * QUERIES, HEIGHT, WIDTH))
    for suffix, size in (("", (6, 5)), (".0", (3, 5)), (".1", (6, 10))):
        data["aux_masks" + suffix] = random.normal(0, 2, (SLICES * QUERIES, *size))
    return {name: x if x.dtype == np.int64 else x.astype(np.float32) for name, x in data.items()}


def assignment_cases(random):
    """Cost tables, integers (so with ties) among them, and the smallest totals."""
    tables, facts = {}, []
    for number in range(60):
        rows, columns = random.integers(1, 13, 2)
        table = random.integers(0, 4, (rows, columns)) if number % 3 == 0 else random.normal(0, 10.0 ** (number % 5), (rows, columns))
        tables[f"table.{number}"] = table.astype(np.float32)
        used = tables[f"table.{number}"].astype(np.float64)
        facts.append(float(used[linear_sum_assignment(used)].sum()))
    return tables, facts


def main():
    random = np.random.default_rng(11)
    data = make_data(random)
    tiny = {"class": 1.0, "mask": 10.0, "dice": 1.5, "aux_mask": 5.0, "aux_dice": 1.5, "aux_l1": 0.5, "aux_giou": 0.2}
    settings = {"dense": {}, "background_ignored": {"background": "ignore"}, "ignore_label": {"ignores": True},
                "sampled": {"points": 40}, "sampled_ignore_label": {"points": 40, "ignores": True, "background": "ignore"},
                "uniform_points": {"points": 25, "importance": 0.0}, "all_uncertain": {"points": 25, "importance": 1.0, "oversample": 3.0},
                "release": {"points": 40, "aux_mask_input": "prob"}, "dense_probabilities": {"aux_mask_input": "prob"},
                "fixed_by_class": {"assign": "fixed_by_class"}, "no_aux": {"aux": False},
                "tiny_weights": {"weights": tiny, "background": "ignore"},
                "class_match": {"weights": {**tiny, "class_match": 3.0}, "no_object": 0.5},
                "decoder_layers": {"deep_supervision": "decoder_layers"},
                "generator_stages": {"deep_supervision": "generator_stages", "points": 30}}
    rows = {}
    for name, change in settings.items():
        setting = {**DEFAULTS, **change}
        loss = Loss(data, setting)
        pairs = loss.run()
        rows[name] = {**setting, "terms": loss.terms, "pairs": [[int(x) for x in pair] for pair in pairs]}
        print(name, {key: round(value, 5) for key, value in loss.terms.items()}, len(pairs), "pairs")
    tables, totals = assignment_cases(random)
    points = random.random((SLICES, 30, 2)).astype(np.float32)
    plain, ignoring = Loss(data, DEFAULTS), Loss(data, {**DEFAULTS, "ignores": True})
    boxes = np.array([[plain.box(s, k) for k in range(CLASSES)] for s in range(SLICES)])
    overlaps = [generalized_box_iou(torch.from_numpy(data["aux_boxes"].reshape(SLICES, QUERIES, 4)[s]).double(), torch.from_numpy(boxes[s])).numpy()
                for s in range(SLICES)]
    extra = {"points": points, "target_boxes": boxes, "giou": np.stack(overlaps), "costs.dense": plain.costs(*plain.outputs(), None),
             "costs.points": plain.costs(*plain.outputs(), points.astype(float)),
             "costs.points_ignore_label": ignoring.costs(*ignoring.outputs(), points.astype(float))}
    file = pathlib.Path(__file__).with_name("set_match.safetensors")
    save_file({**data, **tables, **{name: np.ascontiguousarray(x, np.float32) for name, x in extra.items()}}, file,
              metadata={"settings": json.dumps(rows), "totals": json.dumps(totals), "seed": str(SEED)})
    os.chmod(file, 0o644)


main()
