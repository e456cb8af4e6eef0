#!/usr/bin/env bash
# Images of Gwyddion files (.gwy), as STM, AFM and STEM images are stored for it, read by AFMReader.
#
# Expected: an image of 30 rows and 40 columns has them as they are in the file, and its pixel size is 0.02 nm.
# Seen with AFMReader 0.0.7, which TopoStats and napari-afmreader use, and files of gwyfile 0.3.0: rows and columns of the
# file's size are exchanged where the numbers are arranged, so that the image is not transposed but cut into rows of 30 instead
# of 40 pixels: lattice rows become stripes aslant, each row going on in the middle of the next. The pixel size is the width
# over the number of rows, 0.027 nm. Square images are right, but of pixels that are not square the size along x stands for
# both, and numbers in angstrom or without a unit are taken for metres and multiplied by 10^9. No warning about any of it.
# Felt as: lattice constants that are a third too long, and a lattice that is no lattice any more, in images with fewer lines
# than pixels per line, as of scans that were stopped.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install AFMReader==0.0.7 gwyfile==0.3.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from AFMReader import gwy
from gwyfile.objects import GwyContainer, GwyDataField, GwySIUnit


def read(image, pixel_y, pixel_x, unit):
    """Return the image and the pixel size in nm of a Gwyddion file of an image; pixel sizes in nm."""
    rows, columns = image.shape
    container = GwyContainer()
    container["/0/data/title"] = "lattice"
    container["/0/data"] = GwyDataField(
        image,
        xreal=columns * pixel_x * 1e-9,
        yreal=rows * pixel_y * 1e-9,
        si_unit_xy=GwySIUnit(unitstr="m"),
        si_unit_z=GwySIUnit(unitstr=unit),
    )
    container.tofile("lattice.gwy")
    found, pixel = gwy.load_gwy("lattice.gwy", "lattice")
    return found, float(pixel)


y, x = np.mgrid[:30, :40]
wide = 1 + np.cos(2 * np.pi * x / 10) * np.cos(2 * np.pi * y / 10)
square = wide[:, :30].copy()
cases = {
    "30 x 40 px": (wide, 0.02, 0.02, "m"),
    "30 x 30 px": (square, 0.02, 0.02, "m"),
    "30 x 30 px of 0.04 x 0.02 nm": (square, 0.04, 0.02, "m"),
    "30 x 30 px without a unit": (square, 0.02, 0.02, ""),
}
for name, (image, pixel_y, pixel_x, unit) in cases.items():
    found, pixel = read(image, pixel_y, pixel_x, unit)
    times = found.max() / image.max()
    same = found.shape == image.shape and np.allclose(found, image * times)
    print(f"{name}: read as {found.shape}, pixel size {pixel:.4f} nm, numbers times {times:.0e}, same image: {same}")
    assert np.isclose(times, 1e9), "changed"
    assert np.isclose(pixel, 0.02 * image.shape[1] / 30), "changed"
    if image is wide:
        assert found.shape == (40, 30) and np.allclose(found, times * image.reshape(40, 30)), "changed"
        assert not np.allclose(found, times * image.T), "changed"
    else:
        assert same, "changed"
print("as stated")
PY
