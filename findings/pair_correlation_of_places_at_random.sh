#!/usr/bin/env bash
# Pair correlation of places that lie at random, by SingleOrigin's pcf_radial and Atomap's pair_distribution_function.
#
# Expected: 1 at all distances that are small beside the field, or a constant, whatever the unit of length.
# Seen with SingleOrigin 3.0.1: without total_area, for which it announces an estimate, it takes width plus height for the
# area. 3000 defects in 200 x 100 nm have g = 0.016; the same places in pm 0.00002, in units of 10 nm 0.16. With
# the area given, each bin is divided by the area of the next smaller ring: g is 2.9 in the bin from 1 to 2 nm instead
# of 1, 1.6 in the next and 1.11 in the sixth. Seen with Atomap 0.4.2: the result is "corrected to account for differences in
# area at different distances", but grows in proportion to the distance; and in an image with 0.02 nm per px the
# range, half the field of view, is counted in px and called nm: 250 nm in an image of 10 nm, all pairs in 3 of 50
# bins. Felt as: vacancies at random seem to attract each other over some widths of a bin, or to avoid each other
# altogether, and a pair distribution that changes with the calibration.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install SingleOrigin==3.0.1 atomap==0.4.2 hyperspy==2.5.0 scikit-image==0.26.0 numpy==2.4.6 \
  ipython PyQt6
cd "$folder"
export HOME="$folder" MPLBACKEND=agg QT_QPA_PLATFORM=offscreen
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import hyperspy.api as hs
import numpy as np
from atomap.analysis_tools import pair_distribution_function
from SingleOrigin.hrimage.pcf import pcf_radial

NUMBER, FIELD = 3000, np.array([200.0, 100.0])  # nm
places = np.random.default_rng(0).uniform(0, 1, (8, NUMBER, 2)) * FIELD


def correlation(unit, area=False):
    """Return g in bins of 1 nm, the mean of eight fields, with lengths in a unit given in nm."""
    total = FIELD.prod() / unit**2 if area else None
    each = [pcf_radial(1 / unit, field / unit, total_area=total)[1:9] for field in places]
    return np.mean(each, axis=0)


def counted():
    """Return g from the number of pairs, without those that the border cuts off from any of the bins."""
    found = []
    for field in places:
        inside = np.all((field > 9) & (field < FIELD - 9), axis=1)
        distance = np.hypot(*(field[inside][:, None] - field[None]).transpose(2, 0, 1))
        number, edges = np.histogram(distance, np.arange(1, 10.0))
        rings = np.pi * np.diff(edges**2) * NUMBER / FIELD.prod()
        found.append(number / (inside.sum() * rings))
    return np.mean(found, axis=0)


def atomap(pixel, unit):
    """Return Atomap's pair distribution of 800 places in 500 x 500 px, and its distances."""
    image = hs.signals.Signal2D(np.zeros((500, 500)))
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = pixel, unit
    at = np.random.default_rng(1).uniform(0, 500, (800, 2))
    result = pair_distribution_function(image, at, n_bins=50, rel_range=0.5)
    return result.data, result.axes_manager[0].axis


print("g in the bins from 1 to 9 nm, of places at random:")
print("pairs counted, divided by the area of their ring:", counted().round(2))
by_unit = {unit: correlation(unit) for unit in (1.0, 0.001, 10.0)}
for unit, values in by_unit.items():
    print(f"pcf_radial, lengths in units of {unit:g} nm:", np.array2string(values, precision=2))
given = correlation(1.0, area=True)
print("pcf_radial, with the area:", given.round(2))
k = np.arange(1, 9)
print("(2 k + 1) / (2 k - 1):    ", ((2 * k + 1) / (2 * k - 1)).round(2))
assert np.allclose(counted(), 1, atol=0.03), "the places are not at random"
assert np.allclose(given[:3], (3, 5 / 3, 7 / 5), rtol=0.04), "changed"
assert np.isclose(by_unit[1.0][7], 0.015, atol=0.003), "changed"
for unit, values in by_unit.items():
    assert np.allclose(values, by_unit[1.0] * unit, rtol=0.01), "changed"
values, distances = atomap(1.0, "px")
print("Atomap, at 50, 100 and 200 px:", values[[10, 20, 40]].round(1), "pairs of a place")
assert np.allclose(values[[20, 40]] / values[10], (41 / 21, 81 / 21), rtol=0.1), "changed"
values, distances = atomap(0.02, "nm")
filled = np.count_nonzero(values)
print(f"Atomap, image of 10 nm: {values.size} bins up to {distances[-1]:.0f} nm, {filled} of them filled")
assert filled == 3 and np.isclose(distances[-1], 245), "changed"
print("as stated")
PY
