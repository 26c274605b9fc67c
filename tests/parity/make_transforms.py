"""Golden values of preprocessing, post-processing and blur from nnU-Net's own functions.

Needs nnunetv2, batchgeneratorsv2, scikit-image and safetensors; writes transforms.safetensors beside this file.
Names: <what>/<case>/<part>.
"""

import pathlib

import numpy as np
import torch
from acvl_utils.morphology.morphology_helper import remove_all_but_largest_component
from batchgeneratorsv2.helpers.fft_conv import fft_conv  # noqa: F401  (fails early where the package is missing)
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import blur_dimension
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from nnunetv2.preprocessing.cropping.cropping import create_nonzero_mask, crop_to_nonzero
from nnunetv2.preprocessing.normalization.default_normalization_schemes import CTNormalization, ZScoreNormalization
from nnunetv2.preprocessing.resampling.default_resampling import compute_new_shape, resample_data_or_seg_to_shape
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter

HERE = pathlib.Path(__file__).parent
RANDOM = np.random.RandomState(7)

# name: shape, spacing before, spacing after
GRIDS = {
    "isotropic": ((14, 17, 15), (1.0, 1.0, 1.0), (0.8, 1.3, 1.0)),
    "thick_z": ((7, 20, 18), (5.0, 0.9, 0.9), (2.5, 1.2, 0.7)),
    "thick_z_kept": ((6, 16, 16), (6.0, 1.0, 1.0), (6.0, 1.5, 1.25)),
    "thick_y": ((15, 6, 14), (1.0, 4.0, 1.1), (1.2, 3.0, 0.9)),
    "thick_after": ((16, 12, 12), (1.0, 1.0, 1.0), (4.0, 0.8, 0.8)),
    "one_slice": ((1, 22, 19), (1.0, 1.0, 1.0), (1.0, 0.7, 1.4)),
}


def smooth(shape, sigma=1.5):
    """A field with structure at several scales, as images have."""
    return (gaussian_filter(RANDOM.randn(*shape), sigma) * 50 + RANDOM.randn(*shape)).astype(np.float32)


def label_map(shape, classes=4):
    fields = np.stack([gaussian_filter(RANDOM.randn(*shape), 1.8) for _ in range(classes)])
    return fields.argmax(0).astype(np.int64)


def resampling(out):
    for name, (shape, before, after) in GRIDS.items():
        image, labels = np.stack([smooth(shape), smooth(shape)]), label_map(shape)[None]
        size = compute_new_shape(shape, before, after)
        spacing = {"current_spacing": before, "new_spacing": after}
        kwargs = {"order_z": 0, "force_separate_z": None}
        scores = RANDOM.randn(3, *size).astype(np.float32)
        key = f"resample/{name}/"
        out[key + "spacing"] = np.array([before, after])
        out[key + "image"] = image
        out[key + "labels"] = labels
        out[key + "image_resampled"] = resample_data_or_seg_to_shape(
            image.copy(), size, is_seg=False, order=3, **spacing, **kwargs).astype(np.float32)
        out[key + "labels_resampled"] = resample_data_or_seg_to_shape(
            labels.astype(np.int16), size, is_seg=True, order=1, **spacing, **kwargs).astype(np.int64)
        out[key + "scores"] = scores
        out[key + "scores_back"] = resample_data_or_seg_to_shape(
            scores.copy(), shape, is_seg=False, order=1, current_spacing=after, new_spacing=before, **kwargs
        ).astype(np.float32)


def cropping(out):
    image = np.zeros((2, 9, 12, 11), np.float32)
    image[0, 2:6, 3:9, 4:8] = RANDOM.rand(4, 6, 4) + 1
    image[0, 3:5, 5:7, 5:7] = 0  # a hole
    image[1, 4:7, 2:5, 6:10] = RANDOM.rand(3, 3, 4) - 2
    cropped, _, box = crop_to_nonzero(image.copy())
    out["crop/image"] = image
    out["crop/cropped"] = cropped
    out["crop/box"] = np.array(box, np.int64)
    out["crop/mask"] = create_nonzero_mask(image).astype(np.uint8)


def normalising(out):
    image = smooth((6, 8, 7)) + 30
    image[:2] = 0
    mask = np.where(image != 0, 0, -1).astype(np.int8)
    out["zscore/image"] = image[None]
    out["zscore/plain"] = ZScoreNormalization(False, {}).run(image.copy(), None)[None]
    out["zscore/masked"] = ZScoreNormalization(True, {}).run(image.copy(), mask)[None]
    properties = {"mean": 21.5, "std": 17.25, "percentile_00_5": -20.0, "percentile_99_5": 60.0}
    out["ct/statistics"] = np.array([[-20.0, 60.0, 21.5, 17.25]])
    out["ct/normalised"] = CTNormalization(False, properties).run(image.copy(), None)[None]
    values = RANDOM.gamma(2, 40, 4001).astype(np.float32)
    out["percentile/values"] = values
    out["percentile/expected"] = np.array([np.percentile(values.astype(np.float64), q) for q in (0.5, 37.3, 99.5)])


def augmenting(out):
    image = torch.from_numpy(smooth((6, 14, 13)))[None]
    out["augment/image"] = image.numpy().copy()
    for name, invert in (("gamma", False), ("gamma_inverted", True)):
        params = {"apply_to_channel": torch.tensor([0]), "retain_stats": torch.tensor([True]),
                  "invert_image": torch.tensor([invert]), "gamma": torch.tensor([1.37])}
        out[f"augment/{name}"] = GammaTransform(1.37, 0, False, 1, 1)._apply_to_image(image.clone(), **params).numpy()
    params = {"apply_to_channel": torch.tensor([0]), "multipliers": torch.tensor([1.23])}
    out["augment/contrast"] = ContrastTransform(1.23, True, False)._apply_to_image(image.clone(), **params).numpy()
    blurred = image.clone()
    for axis, sigma in enumerate((0.6, 0.8, 1.0)):
        blurred = blur_dimension(blurred, sigma, axis, force_use_fft=False)
    out["augment/blur"] = blurred.numpy()
    for name, scales in (("low_resolution", [0.6, 0.6, 0.6]), ("low_resolution_in_plane", [1.0, 0.6, 0.6])):
        params = {"apply_to_channel": [0], "scales": torch.tensor([scales])}
        transform = SimulateLowResolutionTransform(0.6, False, True, None)
        out[f"augment/{name}"] = transform._apply_to_image(image.clone(), **params).numpy()


def components(out):
    for name, share in (("sparse", 0.12), ("dense", 0.25)):
        mask = RANDOM.rand(9, 13, 17) < share
        out[f"components/{name}/mask"] = mask.astype(np.uint8)
        out[f"components/{name}/full"] = remove_all_but_largest_component(mask).astype(np.uint8)
        out[f"components/{name}/faces"] = remove_all_but_largest_component(mask, 1).astype(np.uint8)


def main():
    out = {}
    for part in (resampling, cropping, normalising, augmenting, components):
        part(out)
    save_file({name: np.ascontiguousarray(value) for name, value in out.items()}, HERE / "transforms.safetensors")


if __name__ == "__main__":
    main()
