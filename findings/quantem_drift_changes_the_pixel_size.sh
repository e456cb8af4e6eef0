#!/usr/bin/env bash
# Period and place of a lattice in the image that quantem's DriftCorrection makes of two scans, at 0 and 90 degrees.
#
# Expected: of scans without drift, the corrected image shows the same lattice: 14 px of 0.02 nm, 0.28 nm, in both
# directions; and a bright column has the same place in nm.
# Seen with quantem 0.1.10: scans of 200 x 200 px give 14 px. In scans of 200 x 280 px (rows x columns) the lattice has
# 10 px along the rows' axis, 0.20 instead of 0.28 nm, and of 280 x 200 px 19.6 px, 0.39 nm: the lines of the scan
# at 90 degrees are given the length of the other side. No message says so, and drift is corrected as if nothing was wrong.
# The corrected image is padded to 1.25 times the size, also with output_original_shape=True, but keeps the origin,
# so that the column lies 0.5 nm beside its place; and with output_original_shape=False it has twice as many
# pixels of the same stated size, so that 0.28 nm is 0.56 nm. Felt as: a wrong lattice parameter, or strain that is not
# there, after the step that was to remove it.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install quantem==0.1.10 torch==2.13.0 rosettasciio==0.15.0 \
  scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from quantem.core.datastructures import Dataset2d
from quantem.imaging.drift import DriftCorrection

PERIOD, PIXEL = 14.0, 0.02


def scanned(shape, degrees):
    """Return an image of the lattice that is scanned at an angle, without drift; one column is bright."""
    angle = np.radians(degrees)
    line, pixel = (np.arange(n) - (n - 1) / 2 for n in shape)
    y = np.cos(angle) * line[:, None] - np.sin(angle) * pixel
    x = np.sin(angle) * line[:, None] + np.cos(angle) * pixel
    waves = np.cos(2 * np.pi * y / PERIOD) + np.cos(2 * np.pi * x / PERIOD)
    image = waves + 9 * np.exp(-((y - 14) ** 2 + (x + 28) ** 2) / 18)
    return Dataset2d.from_array(
        image, origin=(1.0, 2.0), sampling=(PIXEL, PIXEL), units=["nm", "nm"]
    )


def periods(image):
    """Return the period along both axes in px, of the strongest frequency."""
    found = []
    for axis in (0, 1):
        profile = image.mean(axis=1 - axis)
        profile = (profile - profile.mean()) * np.hanning(profile.size)
        spectrum = np.abs(np.fft.rfft(profile, 2**14))
        found.append(round(float(2**14 / spectrum.argmax()), 1))
    return found


def place(dataset):
    """Return where the brightest pixel is, in nm."""
    index = np.unravel_index(dataset.array.argmax(), dataset.shape)
    return (dataset.origin + np.array(index) * dataset.sampling).round(2)


found = {}
for shape in ((200, 200), (200, 280), (280, 200)):
    scans = [scanned(shape, degrees) for degrees in (0, 90)]
    drift = DriftCorrection.from_data(scans, [0.0, 90.0]).preprocess()
    drift.align_affine(show_merged=False)
    corrected = drift.generate_corrected_image(show_image=False)
    found[shape] = periods(corrected.array)
    print(f"two scans of {shape}: {periods(scans[0].array)} px, corrected {corrected.shape}: {found[shape]} px")
    if shape == (200, 200):
        fine = drift.generate_corrected_image(show_image=False, output_original_shape=False)
        sizes = corrected.shape, fine.shape
        beside = place(corrected) - place(scans[0])
        stated = np.array(periods(fine.array)) * fine.sampling
        print("bright column before", place(scans[0]), "and after", place(corrected), "nm; period in the")
        print("image that is not sampled down:", periods(fine.array), "px of", fine.sampling, "=", stated.round(2), "nm")
assert sizes == ((250, 250), (500, 500)), "changed"
assert np.allclose(beside, 0.5, atol=0.03) and np.allclose(stated, 0.56, atol=0.02), "changed"
assert np.allclose(found[200, 200], 14, atol=0.2), "changed"
assert np.allclose(found[200, 280], (10, 14), atol=0.2), "changed"
assert np.allclose(found[280, 200], (19.6, 14), atol=0.2), "changed"
print("as stated")
PY
