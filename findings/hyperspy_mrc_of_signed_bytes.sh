#!/usr/bin/env bash
# MRC file with 8 bits per pixel, written by mrcfile and read by HyperSpy and ncempy.
#
# Expected: bytes of MRC mode 0 are signed by MRC2014, whose version (20141) the file states, and all readers give the pixels
# that were written: a lattice less its background, from -55 to 124, with the gaps between its columns at -49.
# Seen with RosettaSciIO 0.15.0 (HyperSpy 2.5.0): the bytes are read as unsigned, without a warning. The gaps are 207 and
# brighter than the columns at 120, and the image goes from 0 to 255. ncempy 1.16 gives what mrcfile 1.5.4 wrote. Felt as:
# rings about the columns, positions in the gaps, a vacancy among the brightest places, and a mean and a contrast that
# say nothing.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install hyperspy==2.5.0 rosettasciio==0.15.0 mrcfile==1.5.4 ncempy==1.16 numpy==2.4.6
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import hyperspy.api as hs
import mrcfile
import ncempy.io as nio
import numpy as np

y, x = np.mgrid[:130, :156]
places = [(row, column) for row in range(6, 130, 13) for column in range(6, 156, 13)]
columns = sum(np.exp(-((y - row) ** 2 + (x - column) ** 2) / 12.5) for row, column in places)
written = np.round(-50 + 170 * columns + np.random.default_rng(0).normal(0, 2, columns.shape))
written = np.clip(written, -128, 127).astype(np.int8)
with mrcfile.new("lattice.mrc") as file:
    file.set_data(written)
    file.voxel_size = 0.2
    version = int(file.header.nversion)
with mrcfile.open("lattice.mrc") as file:
    again = file.data.copy()
read = {
    "mrcfile": again,
    "ncempy": np.squeeze(nio.read("lattice.mrc")["data"]),
    "HyperSpy": hs.load("lattice.mrc").data,
}
at_columns = tuple(np.transpose(places))
in_gaps = tuple(np.transpose([(row + 6, column + 6) for row, column in places if row < 120 and column < 148]))
print(f"written: {written.min()} to {written.max()}, MRC version {version}")
for name, pixels in read.items():
    numbers = np.median(pixels[at_columns]), np.median(pixels[in_gaps])
    print(f"{name}: {pixels.dtype}, {pixels.min()} to {pixels.max()}, columns %.0f, gaps %.0f" % numbers)
assert np.array_equal(read["mrcfile"], written) and np.array_equal(read["ncempy"], written), "changed"
assert read["HyperSpy"].dtype == np.uint8, "changed"
assert np.array_equal(read["HyperSpy"], written.view(np.uint8)), "changed"
print("as stated")
PY
