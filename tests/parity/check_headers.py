"""Compares what the test NiftiHeader.IsCopiedExactly wrote with its sources, through nibabel and SimpleITK.

Run: mkdir out; LAMINA_PARITY_OUT=$PWD/out test_core --gtest_filter=NiftiHeader.IsCopiedExactly; python check_headers.py out
"""
import glob
import os
import sys

import nibabel as nib
import numpy as np
import SimpleITK as sitk

FIELDS = ["pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
          "srow_x", "srow_y", "srow_z", "xyzt_units"]


def same_for_nibabel(source, copy):
    a, b = nib.load(source), nib.load(copy)
    for field in FIELDS:
        np.testing.assert_array_equal(a.header[field], b.header[field], err_msg=f"{copy}: {field}")
    np.testing.assert_array_equal(a.affine, b.affine)
    np.testing.assert_array_equal(np.squeeze(a.get_fdata()), np.squeeze(b.get_fdata()))
    assert b.get_data_dtype() == np.uint8, b.get_data_dtype()
    return a.header["sizeof_hdr"] == b.header["sizeof_hdr"]


def same_for_simpleitk(source, copy):
    """False where SimpleITK cannot read the source (NIfTI-2)."""
    try:
        a = sitk.ReadImage(source)
    except RuntimeError:
        return False
    b = sitk.ReadImage(copy)
    if a.GetDimension() == 4:
        a = a[:, :, :, 0]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(a), sitk.GetArrayFromImage(b))
    for get in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(a, get)(), getattr(b, get)(), rtol=1e-6, atol=1e-6, err_msg=f"{copy}: {get}")
    return True


def main(folder):
    copies = sorted(glob.glob(os.path.join(folder, "copy.*")))
    assert len(copies) >= 12, f"only {len(copies)} copies in {folder}"
    both = 0
    for copy in copies:
        source = os.path.join(folder, os.path.basename(copy)[len("copy."):])
        assert same_for_nibabel(source, copy)
        seen = same_for_simpleitk(source, copy)
        both += seen
        print("equal:", os.path.basename(copy), "" if seen else "(SimpleITK cannot read the source)")
    assert both >= 10, f"SimpleITK read only {both} sources"
    print(f"{len(copies)} copies are equal for nibabel {nib.__version__} and SimpleITK {sitk.Version_VersionString()}")


if __name__ == "__main__":
    main(sys.argv[1])
