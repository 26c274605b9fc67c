"""Writes io_files.safetensors: small volume files made by nibabel and SimpleITK, as bytes, with what they must read as.

Run: python make_headers.py   (nibabel, SimpleITK, numpy, safetensors)
"""
import io
import itertools
import os
import tempfile

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from safetensors.numpy import save_file

SHAPE = (3, 4, 5)  # along the patient's axes R, A, S
SPACING = (1.0, 1.5, 3.0)
ORIGIN = (-7.0, 11.0, 20.0)  # RAS of voxel 0, 0, 0
LPS = np.diag([-1.0, -1.0, 1.0])
files, expected = {}, {}


def mask():
    """Five marked voxels that no flip or exchange of axes maps to themselves."""
    labels = np.zeros(SHAPE, np.uint8)
    for value, index in enumerate([(0, 0, 0), (2, 0, 1), (1, 3, 2), (0, 2, 4), (2, 1, 3)], start=1):
        labels[index] = value
    return labels


def base_affine():
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = ORIGIN
    return affine


def positions(labels, affine):
    """LPS position of label 1, 2, ... in rows."""
    rows = []
    for value in range(1, labels.max() + 1):
        index = np.argwhere(labels == value)[0]
        rows.append(LPS @ (affine[:3, :3] @ index + affine[:3, 3]))
    return np.array(rows)


def keep(name, content):
    files[name] = np.frombuffer(content, np.uint8)


def nibabel_bytes(image):
    return image.to_bytes()


def sitk_bytes(image, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a" + suffix)
        sitk.WriteImage(image, path)
        with open(path, "rb") as file:
            return file.read()


def all_orientations():
    """The same mask in the 48 orders and directions of axes."""
    labels, affine = mask(), base_affine()
    expected["positions"] = positions(labels, affine)
    base = nib.Nifti1Image(labels, affine)
    number = 0
    for order in itertools.permutations(range(3)):
        for flips in itertools.product([1, -1], repeat=3):
            turned = base.as_reoriented(np.array(list(zip(order, flips)), float))
            data = np.ascontiguousarray(turned.dataobj)
            image = nib.Nifti1Image(data, turned.affine)
            image.set_sform(turned.affine, 1)
            image.set_qform(turned.affine, 1)
            keep(f"nibabel.{number:02d}.nii", nibabel_bytes(image))
            other = sitk.GetImageFromArray(np.ascontiguousarray(data.T))
            matrix = LPS @ turned.affine[:3, :3]
            spacing = np.linalg.norm(matrix, axis=0)
            other.SetSpacing(spacing.tolist())
            other.SetDirection((matrix / spacing).ravel().tolist())
            other.SetOrigin((LPS @ turned.affine[:3, 3]).tolist())
            keep(f"sitk.{number:02d}.nii.gz", sitk_bytes(other, ".nii.gz"))
            keep(f"sitk.{number:02d}.nrrd", sitk_bytes(other, ".nrrd"))
            if number % 8 == 3:
                keep(f"sitk.{number:02d}.mha", sitk_bytes(other, ".mha"))
            number += 1


def oblique():
    """Turned about two axes, anisotropic, left-handed."""
    a, b = 0.3, -0.17
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag([-1, 1, 1]) @ np.diag([0.7421875, 0.9, 5.0])
    affine[:3, 3] = [12.25, -40.5, 7.125]
    return affine


def variant(name, affine, qform, sform, units="mm", kind=nib.Nifti1Image, data=None, endian="<", scale=1.0):
    labels = mask() if data is None else data
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(labels.dtype)
    image = kind(labels, affine, header)
    image.set_sform(affine if sform else None, sform)
    image.set_qform(affine if qform else None, qform)
    image.header.set_xyzt_units(units, "sec")
    image.header["pixdim"][4] = 2.5
    keep(f"header.{name}.nii", nibabel_bytes(image))
    if qform or sform:
        expected[f"affine.{name}"] = np.vstack([scale * affine[:3], affine[3:]])


def headers():
    plain, turned = base_affine(), oblique()
    variant("sform_only", turned, 0, 2)
    variant("qform_only", turned, 1, 0)
    variant("both", turned, 1, 4)
    variant("neither", plain, 0, 0)
    variant("micron", plain, 1, 1, "micron", scale=0.001)
    variant("meter", plain, 1, 1, "meter", scale=1000.0)
    variant("second_version", turned, 2, 1, kind=nib.Nifti2Image)
    variant("big_endian", turned, 1, 1, data=mask().astype(np.int16), endian=">")
    variant("big_endian_second", turned, 1, 0, kind=nib.Nifti2Image, endian=">", data=mask().astype(np.uint16))
    variant("int32", turned, 1, 1, data=mask().astype(np.int32))
    variant("float64", turned, 1, 1, data=mask().astype(np.float64))
    variant("fourth_axis_of_one", turned, 1, 1, data=mask()[..., None])


def bad_ones():
    labels = mask()
    sheared = base_affine()
    sheared[0, 1] = 0.3
    image = nib.Nifti1Image(labels, sheared)
    image.set_sform(sheared, 1)
    image.set_qform(None, 0)
    keep("bad.sheared.nii", nibabel_bytes(image))
    keep("bad.four_axes.nii", nibabel_bytes(nib.Nifti1Image(np.stack([labels] * 3, -1), base_affine())))
    keep("bad.fractions.nii", nibabel_bytes(nib.Nifti1Image(labels.astype(np.float32) / 2, base_affine())))
    keep("bad.complex.nii", nibabel_bytes(nib.Nifti1Image(labels.astype(np.complex64), base_affine())))
    holes = labels.astype(np.float32)
    holes[0, 0, 0], holes[1, 1, 1] = np.nan, np.inf
    keep("bad.holes.nii", nibabel_bytes(nib.Nifti1Image(holes, base_affine())))
    scaled = nib.Nifti1Image(labels.astype(np.int16), base_affine())
    scaled.header.set_slope_inter(1, 0)
    raw = bytearray(nibabel_bytes(scaled))
    raw[112:120] = np.array([2.5, -10.0], "<f4").tobytes()
    keep("scaled.nii", bytes(raw))


def dicom():
    """Five slices whose file names are not in the order of their positions."""
    rng = np.random.default_rng(5)
    volume = rng.integers(0, 3000, (5, 6, 7)).astype(np.int16)
    expected["dicom.voxels"] = volume.astype(np.float32) - 1024
    direction = (1.0, 0.0, 0.0, 0.0, 0.8, -0.6, 0.0, 0.6, 0.8)  # columns: x, y, normal
    normal = np.array([direction[2], direction[5], direction[8]])
    origin = np.array([-30.0, 12.5, 100.0])
    expected["dicom.geometry"] = np.array([2.5, 0.75, 0.75, *origin, *direction])
    column_x, column_y = direction[0::3], direction[1::3]
    orientation = "\\".join(str(v) for v in (*column_x, *column_y))
    for k, name in enumerate("dbeac"):
        slice_image = sitk.GetImageFromArray(volume[k])
        slice_image.SetSpacing((0.75, 0.75))
        position = origin + 2.5 * k * normal
        for tag, value in {
            "0008|0060": "CT", "0020|000d": "1.2.3", "0020|000e": "1.2.3.4", "0020|0013": str(k + 1), "0008|103e": "made",
            "0020|0032": "\\".join(f"{v:.6f}" for v in position), "0020|0037": orientation,
            "0028|1052": "-1024", "0028|1053": "1", "0018|0050": "2.5",
        }.items():
            slice_image.SetMetaData(tag, value)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.dcm")
            writer = sitk.ImageFileWriter()
            writer.KeepOriginalImageUIDOn()
            writer.SetFileName(path)
            writer.Execute(slice_image)
            with open(path, "rb") as file:
                keep(f"dicom.{name}", file.read())
            with_series = sitk.ReadImage(path)
            stored = sitk.GetArrayFromImage(with_series).astype(np.float32).reshape(6, 7)
            expected["dicom.voxels"][k] = stored


if __name__ == "__main__":
    all_orientations()
    headers()
    bad_ones()
    dicom()
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "io_files.safetensors")
    content = {f"file.{name}": data for name, data in files.items()}
    content |= {name: np.ascontiguousarray(value) for name, value in expected.items()}
    save_file(content, target)
    print(f"{target}: {len(files)} files, {os.path.getsize(target)} bytes")
