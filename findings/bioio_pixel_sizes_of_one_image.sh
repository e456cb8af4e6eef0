#!/usr/bin/env bash
# The pixel size of one image in four formats, as BioIO's readers give it.
#
# Expected: an image of 0.02 nm per pixel has one pixel size, whatever the format, or the reader
# states the unit. The documentation sends the user to the metadata of the file for it.
# Seen with bioio-ome-tiff 1.4.0, bioio-tifffile 1.3.1, bioio-emd 0.1.0.dev1 and bioio-ome-zarr 3.8.1:
# OME-TIFF and OME-Zarr give 0.02, the TIFF of ImageJ and EMD give 2e-05, which are micrometres; the
# files of all four state nm. Only the reader of OME-Zarr gives the unit, too; the property is None for
# the others. Felt as: lengths of defects that are off by a thousand, and densities by a million, where
# a folder holds two formats, or where the unit is looked up as documented.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install bioio-ome-tiff==1.4.0 bioio-tifffile==1.3.1 \
  bioio-emd==0.1.0.dev1 bioio-ome-zarr==3.8.1 ome-zarr==0.18.0 tifffile==2026.3.3 h5py==3.16.0 \
  numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import bioio_emd
import bioio_ome_tiff
import bioio_ome_zarr
import bioio_tifffile
import h5py
import numpy as np
import tifffile
from ome_zarr.writer import write_image

image = np.zeros((80, 120), np.uint16)
sizes = {f"PhysicalSize{axis}": 0.02 for axis in "XY"}
units = {f"PhysicalSize{axis}Unit": "nm" for axis in "XY"}
tifffile.imwrite("image.ome.tif", image, ome=True, metadata={"axes": "YX"} | sizes | units)
tifffile.imwrite("image.tif", image, imagej=True, resolution=(50, 50), metadata={"unit": "nm"})
per_axis = {"y": "nanometer", "x": "nanometer"}
write_image(image, "image.zarr", axes="yx", scale={"y": 0.02, "x": 0.02}, axes_units=per_axis)
with h5py.File("image.emd", "w") as file:
    file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
    group = file.create_group("data/image")
    group.attrs["emd_group_type"] = 1
    group["data"] = image
    for number, length in enumerate(image.shape, 1):
        dim = group.create_dataset(f"dim{number}", data=0.02 * np.arange(length))
        dim.attrs["name"], dim.attrs["units"] = "yx"[number - 1], "[n_m]"

found = {}
for reader, name in (
    (bioio_ome_tiff, "image.ome.tif"),
    (bioio_ome_zarr, "image.zarr"),
    (bioio_tifffile, "image.tif"),
    (bioio_emd, "image.emd"),
):
    opened = reader.Reader(name)
    unit = opened.dimension_properties.X.unit
    found[name] = (opened.physical_pixel_sizes.X, None if unit is None else str(unit))
    print(name, "in nm:", *found[name])
expected = [(0.02, None), (0.02, "nanometer"), (2e-5, None), (2e-5, None)]
for (size, unit), (right, stated) in zip(found.values(), expected, strict=True):
    assert abs(size / right - 1) < 1e-6 and unit == stated, "changed"
print("as stated")
PY
