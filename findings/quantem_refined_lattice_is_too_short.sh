#!/usr/bin/env bash
# Lattice parameters of a simulated lattice, refined with quantem's Lattice.define_lattice_vectors.
#
# Expected: in an image with little noise, a refinement that starts from the true lattice stays there, to 0.1 %.
# Seen with quantem 0.1.10: it maximises the sum, not the mean, of the intensities at lattice points, and counts points
# only inside the image. A row of points more is a gain, so that it leaves the true lattice for another one by
# which a further row comes in, although the points then lie beside the columns. In windows of 128 x 128 px with columns of
# 3.5 px (standard deviation) and a period of about 13 px, 3 of 11 lattices are off by more than 0.5 %, up to 2.5 % too
# short; the mean intensity at the points is lower than at the true lattice, and there are more points. In 512 x 512 px
# all are right to 0.1 % here. Felt as: strain of some per cent in small windows, as of grains or beside a boundary,
# that depends on where the border of the window cuts the lattice.
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
from quantem.imaging.lattice import Lattice
from scipy.ndimage import map_coordinates

WIDTH, NOISE = 3.5, 0.02


def simulated(size, period):
    """Return a square lattice of Gaussian columns, one of them in the middle, with a little noise."""
    places = size / 2 + period * np.arange(-size, size + 1)
    ridges = np.exp(-((np.arange(size)[:, None] - places) ** 2) / (2 * WIDTH**2)).sum(axis=1)
    return np.outer(ridges, ridges) + np.random.default_rng(0).normal(0, NOISE, (size, size))


def points(image, lattice):
    """Return the number of lattice points in an image and the mean intensity at them."""
    cells = np.stack(np.meshgrid(*[np.arange(-60, 61)] * 2), axis=-1).reshape(-1, 2)
    at = lattice[0] + cells @ lattice[1:]
    at = at[((at >= 0) & (at <= len(image) - 2)).all(axis=1)]
    return len(at), map_coordinates(image, at.T, order=1).mean()


def refined(size, period):
    """Return the larger error of the two lattice parameters in %, and points before and after."""
    image = simulated(size, period)
    true = np.array([[size / 2] * 2, [period, 0], [0, period]])
    found = Lattice.from_data(image).define_lattice_vectors(*true)._lat
    errors = 100 * (np.hypot(*found[1:].T) / period - 1)
    return errors[np.abs(errors).argmax()], points(image, true), points(image, found)


periods = np.arange(12.5, 13.55, 0.1)
small = [refined(128, period) for period in periods]
large = [refined(512, period) for period in periods]
for period, (error, true, found) in zip(periods, small, strict=True):
    print(f"{period:.1f} px in 128 px: {error:+.1f} %; {true[0]} points of mean {true[1]:.2f}, then {found[0]} of {found[1]:.2f}")
errors, exact = (np.array([each[0] for each in results]) for results in (small, large))
print(f"in 512 px: from {exact.min():+.2f} to {exact.max():+.2f} %")
wrong = np.abs(errors) > 0.5
print(f"{wrong.sum()} of {wrong.size} small windows are off by more than 0.5 %, up to {errors.min():.1f} %")
_, true, found = small[errors.argmin()]
assert 2 <= wrong.sum() <= 4 and np.isclose(errors.min(), -2.5, atol=0.3), "changed"
assert found[0] > true[0] and found[1] < true[1] - 0.02 and np.abs(exact).max() < 0.1, "changed"
print("as stated")
PY
