#!/usr/bin/env bash
# The pixel size of an OME-TIFF file in angstrom or picometres, as napari's reader of TIFF files gives it.
#
# Expected: 0.2 Å, 20 pm and 0.02 nm per px, three of the units of OME-TIFF, are one pixel size in napari,
# or the reader states that it does not know the unit.
# Seen with napari-tiff 0.1.6: nm, µm, mm, cm and m are converted to µm; the number of any other unit is
# taken as µm: 0.2 µm and 20 µm per px. Sizes without a unit, which are in µm by the schema of OME-XML, are
# in px. Å in TIFF files of ImageJ stays Å. There is no warning. Felt as: a scale bar of micrometres on
# a lattice of atoms, lengths 10,000 or a million times too large, and annotations that do not lie on the
# image.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install napari-tiff==0.1.6 tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
import tifffile
from napari_tiff.napari_tiff_reader import napari_get_reader

IMAGE = np.zeros((60, 80), np.uint16)


def in_napari(name):
    """Return scale and unit of the rows of the layer that napari-tiff makes of a file."""
    ((_, keywords, _),) = napari_get_reader(name)(name)
    return float(keywords["scale"][0]), str(keywords["units"][0])


def ome(size, unit):
    """Return what becomes of an OME-TIFF file of a pixel size."""
    metadata = {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeY": size}
    if unit:
        metadata |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    tifffile.imwrite("image.ome.tif", IMAGE, ome=True, metadata=metadata)
    return in_napari("image.ome.tif")


found = {
    f"OME-TIFF, {size:g} {unit}": ome(size, unit)
    for size, unit in ((0.02, "nm"), (2e-5, "µm"), (2e-11, "m"), (0.2, "Å"), (20, "pm"), (2e-5, ""))
}
tifffile.imwrite("image.tif", IMAGE, imagej=True, resolution=(5, 5), metadata={"unit": "angstrom"})
found["ImageJ, 0.2 angstrom"] = in_napari("image.tif")
for name, (scale, unit) in found.items():
    print(f"{name}: {scale:g} {unit}")
right = (2e-5, "µm")
expected = [right, right, right, (0.2, "µm"), (20, "µm"), (2e-5, "pixel"), (0.2, "angstrom")]
for (scale, unit), (scale_before, unit_before) in zip(found.values(), expected, strict=True):
    assert abs(scale / scale_before - 1) < 1e-6 and unit == unit_before, "changed"
print("as stated")
PY
