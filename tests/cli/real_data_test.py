#!/usr/bin/env python3
"""`lamina data check` on real sets of every format: reads each case, finds what is there, draws pictures.

usage: real_data_test.py LAMINA        (LAMINA_DATA names the folder of the sets; exits 77 without it)
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def check(lamina, dataset, pictures):
    """The findings of `data check` on a dataset given as JSON, and the exit code."""
    done = subprocess.run([lamina, "data", "check", "phantom", "--set", f"dataset={json.dumps(dataset)}", "--pictures",
                           pictures, "--json"], capture_output=True, text=True,
                          env=dict(os.environ, OMP_NUM_THREADS="1"))
    if not done.stdout.startswith("{"):
        sys.exit(f"data check of {dataset} says nothing:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout), done.returncode


def require(condition, what, found):
    if not condition:
        sys.exit(f"{what}: {json.dumps(found)[:3000]}")


def write_list(folder, rows):
    """A CSV for the dataset `pairs`; rows of (case, image, label, split)."""
    file = folder / "list.csv"
    file.write_text("case,image,label,split\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return {"type": "pairs", "list": str(file)}


def nnunet_set(lamina, root, pictures, cases, split, **options):
    """A folder in nnU-Net's layout: all cases are read and faultless."""
    found, code = check(lamina, dict({"type": "nnunet_raw", "root": str(root), "split": split}, **options), pictures)
    errors = [fault for fault in found["faults"] if fault["level"] == "error"]
    require(code == 0 and found["usable"] and not errors, f"{root.name} is not usable", found["faults"])
    require(len(found["cases"]) == cases and all(one["readable"] for one in found["cases"]),
            f"{root.name} has {cases} readable cases", found["cases"])
    require(all(one["voxels"] > 0 for one in found["classes"]), f"{root.name} has every class", found["classes"])
    require(len(list(pictures.iterdir())) == 12, f"{root.name}: 12 pictures", sorted(map(str, pictures.iterdir())))
    return found


def hippocampus(lamina, data, folder):
    found = nnunet_set(lamina, data / "Dataset004_Hippocampus", folder, 200, {"val": 20, "test": 50})
    require(max(one["maximum"][0] for one in found["cases"]) > 1e6, "intensities of all scales", found["cases"])


def acdc(lamina, data, folder):
    """Two time points of a patient never part."""
    found = nnunet_set(lamina, data / "Dataset027_ACDC", folder, 120, {"val": 10, "test": 20}, group=r"patient\d+")
    require(len({one["group"] for one in found["cases"]}) == 60, "60 patients", found["cases"])
    require(not [fault for fault in found["faults"] if "leak" in fault["what"]], "no leak", found["faults"])
    require({len([one for one in found["cases"] if one["split"] == name]) for name in ("train", "val", "test")}
            == {60, 20, 40}, "splits by patient", found["cases"])
    leaking, code = check(lamina, {"type": "nnunet_raw", "root": str(data / "Dataset027_ACDC"),
                                   "split": {"val": 10, "test": 20}}, folder)
    require(code == 0 and len({one["group"] for one in leaking["cases"]}) == 120, "cases as groups", leaking["faults"])


def microscopy(lamina, data, folder):
    found = nnunet_set(lamina, data / "Dataset038_DSB2018", folder, 96, {"val": 10, "test": 20})
    require(all(one["size"][0] == 1 and len(one["maximum"]) == 3 for one in found["cases"]), "colour slices",
            found["cases"][:3])


def nrrd(lamina, data, folder):
    """Another layout: a list names the pairs."""
    rows = [(name, data / "nrrd" / f"{name}1_image.nrrd", data / "nrrd" / f"{name}1_label.nrrd", split)
            for name, split in (("brain", "train"), ("breast", "val"))]
    found, code = check(lamina, write_list(folder, rows), folder / "pictures")
    require(code == 0 and found["usable"], "NRRD is usable", found["faults"])
    brain = found["cases"][0]
    require(brain["size"] == [25, 256, 256] and abs(brain["spacing"][0] - 6.5) < 1e-6, "thick slices", brain)
    require(len(list((folder / "pictures").iterdir())) == 2, "two pictures", found["cases"])


def dicom(lamina, data, folder):
    """A folder of slices in another order than their names; without labels it cannot train, and that is said."""
    rows = [("liver", data / "dicom_ct" / "series", "", "train"), ("again", data / "dicom_ct" / "series", "", "val")]
    found, code = check(lamina, write_list(folder, rows), folder / "pictures")
    require(code == 2 and not found["usable"], "no labels, no training", found["faults"])
    require(all(one["readable"] and one["size"][0] == 24 for one in found["cases"]), "24 slices", found["cases"])
    require([fault["what"] for fault in found["faults"] if fault["level"] == "error"] == ["has no label"] * 2,
            "the missing labels are the only fault", found["faults"])


def spinal_cord(lamina, data, folder):
    """Anisotropic volumes with masks of another program; the second one's label is the first one's: sizes differ."""
    t2, t2s = data / "spinal_cord" / "t2", data / "spinal_cord" / "t2s"
    rows = [("t2", t2 / "t2.nii.gz", t2 / "t2_seg-manual.nii.gz", "train"),
            ("t2s", t2s / "t2s.nii.gz", t2s / "t2s_seg.nii.gz", "val"),
            ("mixed", t2s / "t2s.nii.gz", t2 / "t2_seg-manual.nii.gz", "train")]
    found, code = check(lamina, write_list(folder, rows), folder / "pictures")
    errors = [fault for fault in found["faults"] if fault["level"] == "error"]
    require(code == 2 and [fault["case"] for fault in errors] == ["mixed"], "only the mixed pair is refused", errors)
    require("they must be equal" in errors[0]["what"], "the sizes are named", errors)


SETS = [hippocampus, acdc, microscopy, nrrd, dicom, spinal_cord]


def main():
    if not os.environ.get("LAMINA_DATA"):
        print("skipped: no real data: set LAMINA_DATA to the folder that holds the sets")
        return 77
    for one in SETS:
        with tempfile.TemporaryDirectory() as folder:
            one(sys.argv[1], Path(os.environ["LAMINA_DATA"]), Path(folder))
        print(f"{one.__name__}: as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
