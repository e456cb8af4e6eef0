#!/usr/bin/env bash
# Two images of one Berkeley EMD file, of which one name is the beginning of the other.
#
# Expected: a file with the groups "HAADF" and "HAADF (filtered)" gives two images, as one with the
# groups "HAADF" and "ABF" does.
# Seen with RosettaSciIO 0.15.0: file_reader without options joins groups whose names begin with the
# name of an earlier group and whose shapes are equal, so the image and its filtered copy come back
# as one stack of two frames under the first name; "HAADF" and "ABF" come back as two images.
# stack_group=False gives two images each time. Felt as: an image that is called a movie, whose
# second frame is a processed one, and whose results are counted twice.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install rosettasciio==0.15.0 h5py==3.16.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import h5py
import numpy as np
from rsciio.emd import file_reader


def shapes(names, **options):
    with h5py.File("two.emd", "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        for number, name in enumerate(names):
            group = file.create_group(f"data/{name}")
            group.attrs["emd_group_type"] = 1
            group["data"] = np.full((6, 8), number, np.float32)
            for axis, length in ((1, 6), (2, 8)):
                dim = group.create_dataset(f"dim{axis}", data=0.02 * np.arange(length))
                dim.attrs["name"], dim.attrs["units"] = "xy"[axis - 1], "[n_m]"
    read = file_reader("two.emd", **options)
    return {each["metadata"]["General"]["title"]: each["data"].shape for each in read}


alike = ["HAADF", "HAADF (filtered)"]
print("alike:", shapes(alike))
print("alike, stack_group=False:", shapes(alike, stack_group=False))
print("different:", shapes(["HAADF", "ABF"]))
assert shapes(alike) == {"HAADF": (2, 8, 6)}
assert shapes(alike, stack_group=False) == {"HAADF": (8, 6), "HAADF (filtered)": (8, 6)}
assert shapes(["HAADF", "ABF"]) == {"HAADF": (8, 6), "ABF": (8, 6)}
print("as stated")
PY
