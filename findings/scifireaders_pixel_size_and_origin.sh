#!/usr/bin/env bash
# Pixel size of TIFF files, and place of an image in files of Nion Swift, as SciFiReaders and so pyTEMlib read them.
#
# Expected: an image of 0.02 nm per px, saved with its resolution per cm, per inch or, as ImageJ does, per nm, has 0.02 nm per
# px or no pixel size; and an image of Nion Swift lies where Nion Swift has it.
# Seen with SciFiReaders 0.12.7: of the resolution, a fraction, it takes one half, the denominator if the unit is cm and the
# numerator otherwise. Per cm 0.02 nm are 1 cm, and 0.0213 nm are 0.11 cm. Of ImageJ's files the unit nm is read as
# inches: 0.02 nm are 0.02 inches, and 0.0213 nm (10000/213 px per nm) are 0.0001 inches, another number because it is
# another fraction. Only sizes per inch that are whole numbers are right. Of Nion Swift's files, .ndata and .h5, the
# origin is multiplied by the pixel size and turns its sign: an image that begins at 5 nm begins at -0.1 nm, and one
# about 0, from -0.6 to 0.58 nm as scans are, is from 0.01 to 1.19 nm. Felt as: fields of view of metres, and two scans of
# one place that do not lie on each other.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install SciFiReaders==0.12.7 sidpy==0.12.9 nionswift==16.16.2 niondata==15.9.1 \
  tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
export HOME="$folder" QT_QPA_PLATFORM=offscreen
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import datetime
from pathlib import Path

import numpy as np
import SciFiReaders
import tifffile
from nion.data import Calibration, DataAndMetadata
from nion.swift.model import DataItem, HDF5Handler, NDataHandler

NM_PER_CM, NM_PER_INCH, NOW = 1e7, 2.54e7, datetime.datetime(2026, 1, 1)
image = np.random.default_rng(0).random((60, 80)).astype("float32")


def tiff(pixel, kind):
    """Return the pixel size and its unit of a TIFF file with a pixel size in nm."""
    options = {
        "cm": {"resolution": (NM_PER_CM / pixel,) * 2, "resolutionunit": "CENTIMETER"},
        "inch": {"resolution": (NM_PER_INCH / pixel,) * 2, "resolutionunit": "INCH"},
        "ImageJ": {"resolution": (1 / pixel,) * 2, "imagej": True, "metadata": {"unit": "nm"}},
    }
    tifffile.imwrite("image.tif", image, **options[kind])
    axis = SciFiReaders.ImageReader("image.tif").read().dim_1
    return float(axis.values[1] - axis.values[0]), axis.units


def nion(begin, handler, name):
    """Return where the rows of an image in a file of Nion Swift begin and end, in nm."""
    calibrations = [Calibration.Calibration(begin, 0.02, "nm"), Calibration.Calibration(0, 0.02, "nm")]
    item = DataItem.new_data_item(DataAndMetadata.new_data_and_metadata(image, dimensional_calibrations=calibrations))
    path = Path(name).absolute()
    path.unlink(missing_ok=True)
    file = handler(path)
    file.write_data(image, NOW)
    file.write_properties(item.write_to_dict(), NOW)
    file.close()
    dataset = next(iter(SciFiReaders.NionReader(str(path)).read().values()))
    axis = next(each for each in dataset._axes.values() if len(each.values) == 60)
    return float(axis.values[0]), float(axis.values[-1])


found = {(pixel, kind): tiff(pixel, kind) for pixel in (0.02, 0.0213) for kind in ("cm", "inch", "ImageJ")}
for (pixel, kind), (size, unit) in found.items():
    print(f"{pixel} nm per px, {kind}: {size:.6g} {unit} per px")
places = {}
for handler, name in ((NDataHandler.NDataHandler, "image.ndata"), (HDF5Handler.HDF5Handler, "image.h5")):
    for begin in (0.0, 5.0, -0.6):
        places[name, begin] = nion(begin, handler, name)
        print(f"{name} from {begin} to {begin + 59 * 0.02:.2f} nm is from %.3f to %.3f nm" % places[name, begin])
assert found[0.02, "cm"] == (1, "cms") and np.isclose(found[0.0213, "cm"][0], 1 / 9), "changed"
assert np.isclose(found[0.02, "inch"][0], 0.02 / NM_PER_INCH), "changed"
assert found[0.02, "ImageJ"] == (0.02, "inches") and np.isclose(found[0.0213, "ImageJ"][0], 1e-4), "changed"
for (_, begin), place in places.items():
    assert np.allclose(place, (-0.02 * begin, 59 * 0.02 - 0.02 * begin)), "changed"
print("as stated")
PY
