"""nnU-Net's summary.json of three small cases, for comparing shape and numbers.

Writes nnunet_summary.json beside this file; NaN is stored as null. Run with:
    pip install nnunetv2 SimpleITK
    python make_summary.py
"""
import json
import math
import pathlib
import tempfile

import numpy as np
import SimpleITK
from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

# Prediction and reference; the same as three_cases() in tests/unit/engine/evaluation_test.cpp.
CASES = {"a": ([1, 1, 2, 2], [1, 1, 2, 0]), "b": ([1, 0, 0, 0], [1, 1, 0, 0]), "c": ([0, 0, 2, 0], [1, 0, 0, 0])}


def plain(node):
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, str):
        return pathlib.Path(node).name.removesuffix(".nii.gz")
    return None if math.isnan(node) else float(node)


def main():
    with tempfile.TemporaryDirectory() as root:
        folders = [pathlib.Path(root) / name for name in ("prediction", "reference")]
        for folder in folders:
            folder.mkdir()
        for name, rows in CASES.items():
            for folder, row in zip(folders, rows):
                image = SimpleITK.GetImageFromArray(np.array([[row]], np.uint8))
                SimpleITK.WriteImage(image, str(folder / f"{name}.nii.gz"))
        summary = compute_metrics_on_folder(str(folders[1]), str(folders[0]), None, SimpleITKIO(), ".nii.gz", [1, 2],
                                            num_processes=1)
    text = json.dumps(plain(summary), indent=1, sort_keys=True) + "\n"
    pathlib.Path(__file__).with_name("nnunet_summary.json").write_text(text)


if __name__ == "__main__":
    main()
