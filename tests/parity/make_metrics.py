"""Golden values of the metrics, from MedPy, MONAI and surface-distance, for masks that tests make by the same rule.

Writes metrics.json beside this file: {"named": [...], "random": [...], "columns": [...]}. Named cases are boxes; random
pairs are a seed each (see mask_pair) and the values of all columns. Run with:
    pip install numpy scipy torch monai MedPy surface-distance
    python make_metrics.py
"""
import json
import pathlib

import numpy as np
import surface_distance as deepmind
import torch
from medpy.metric import binary as medpy
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from monai.metrics.utils import get_edge_surface_distance

COLUMNS = ["dice", "iou", "precision", "recall", "volume_similarity", "hd", "hd95_pooled", "hd95", "hd95_area_weighted",
           "assd", "masd", "nsd", "nsd_areas"]
RANDOM_TOLERANCE = 1.37  # mm; no distance on the grids below is equal to it
RANDOM_PAIRS = 200


class Generator:
    """A 64-bit linear congruential generator: the same five lines in any language."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def add_blob(mask, random):
    """Voxels with a weighted squared distance from a centre; returns the centre."""
    centre = [random.below(n) for n in mask.shape]
    weights = [1 + random.below(4) for _ in mask.shape]
    radius = 4 + random.below(60)
    grid = np.indices(mask.shape)
    mask |= sum(w * (g - c) ** 2 for w, g, c in zip(weights, grid, centre)) <= radius
    return centre


def mask_pair(seed):
    """Every fifth pair is flat; in every second one the prediction starts from the reference. Single voxels are
    toggled, so that all kinds of surface elements occur."""
    random = Generator(seed)
    shape = (1 if seed % 5 == 0 else 4 + random.below(9), 6 + random.below(14), 6 + random.below(14))
    spacing = [(8 + random.below(40)) / 16 for _ in shape]
    masks = []
    for _ in range(2):
        mask = masks[0].copy() if masks and seed % 2 == 1 else np.zeros(shape, bool)
        for _ in range(1 + random.below(3)):
            centre = add_blob(mask, random)
        for _ in range(4):
            voxel = tuple(random.below(n) for n in shape)
            mask[voxel] = not mask[voxel]
        mask[tuple(centre)] = True
        masks.append(mask)
    return masks[1], masks[0], spacing


def values(prediction, reference, spacing, tolerance):
    if prediction.shape[0] == 1:
        prediction, reference, spacing = prediction[0], reference[0], spacing[1:]
    stacks = [torch.from_numpy(np.stack([~m, m])[None]).float() for m in (prediction, reference)]
    monai_hd95 = max_of_percentiles(prediction, reference, spacing)
    single_precision = compute_hausdorff_distance(*stacks, percentile=95, spacing=spacing)[0, 0]
    assert abs(single_precision - monai_hd95) <= 1e-5 * (1 + monai_hd95)
    monai_nsd = compute_surface_dice(*stacks, [tolerance], spacing=spacing)[0, 0]
    surfaces = deepmind.compute_surface_distances(reference, prediction, spacing)
    sizes = prediction.sum() + reference.sum()
    ways = [medpy.asd(prediction, reference, spacing), medpy.asd(reference, prediction, spacing)]
    return [medpy.dc(prediction, reference), medpy.jc(prediction, reference), medpy.precision(prediction, reference),
            medpy.recall(prediction, reference), 1 - abs(int(prediction.sum()) - int(reference.sum())) / sizes,
            medpy.hd(prediction, reference, spacing), medpy.hd95(prediction, reference, spacing), monai_hd95,
            deepmind.compute_robust_hausdorff(surfaces, 95), medpy.assd(prediction, reference, spacing),
            sum(ways) / 2, monai_nsd, deepmind.compute_surface_dice_at_tolerance(surfaces, tolerance)]


def max_of_percentiles(prediction, reference, spacing):
    """MONAI's distances and definition; the percentile in double precision, as torch.quantile's rank is single."""
    masks = torch.from_numpy(prediction), torch.from_numpy(reference)
    _, ways, _ = get_edge_surface_distance(*masks, spacing=spacing, symmetric=True)
    return max(np.percentile(way.double().numpy(), 95) for way in ways)


def box(shape, *ranges):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*r) for r in ranges)] = True
    return mask


def named_cases():
    """Boxes as lists of [begin, end) in z, y, x; a mask is the union of its boxes."""
    grid, reference = [20, 32, 32], [[5, 15], [8, 24], [8, 24]]
    case = lambda name, prediction, spacing, tolerance: dict(
        name=name, size=grid, reference=[reference], tolerance=tolerance, prediction=prediction, spacing=spacing)
    yield case("T1", [[[5, 15], [10, 26], [8, 24]]], [1, 1, 1], 1)
    yield case("T2", [[[6, 16], [8, 24], [8, 24]]], [5, 1, 1], 2)
    yield case("T3", [reference, [[0, 2], [0, 2], [0, 2]]], [2, 1, 1], 1)
    yield case("T4", [[[6, 14], [9, 23], [9, 23]]], [2.5, 0.75, 0.75], 1)
    yield case("T5", [[[0, 10], [8, 24], [8, 24]]], [1, 1, 1], 1)
    yield case("T6", [reference], [1, 1, 1], 0)
    yield case("T7", [reference, [[0, 4], [0, 4], [0, 4]]], [1, 1, 1], 1)
    yield case("T8", [reference, [[0, 4], [0, 6], [0, 6]]], [3, 1, 1], 2)
    yield dict(name="2D", size=[1, 40, 40], spacing=[1, 0.8, 0.5], tolerance=0.8,
               reference=[[[0, 1], [10, 30], [10, 30]]], prediction=[[[0, 1], [12, 30], [10, 33]]])


def rounded(numbers):
    return [float(f"{float(n):.10g}") for n in numbers]


def main():
    named = []
    for case in named_cases():
        masks = [np.any([box(case["size"], *b) for b in case[key]], axis=0) for key in ("prediction", "reference")]
        named.append(case | {"values": rounded(values(*masks, case["spacing"], case["tolerance"]))})
    random = [{"seed": seed, "values": rounded(values(*mask_pair(seed), RANDOM_TOLERANCE))}
              for seed in range(1, RANDOM_PAIRS + 1)]
    lines = [f'"columns": {json.dumps(COLUMNS)}', f'"tolerance": {RANDOM_TOLERANCE}']
    lines += [f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "]"
              for name, rows in (("named", named), ("random", random))]
    pathlib.Path(__file__).with_name("metrics.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
