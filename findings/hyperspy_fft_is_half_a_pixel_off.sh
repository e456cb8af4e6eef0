#!/usr/bin/env bash
# Period and direction of a lattice from HyperSpy's FFT, on its own axes.
#
# Expected: the two reflections of columns 0.32 nm apart are at 3.125 and -3.125 1/nm along x, and at 0 along y.
# Seen with HyperSpy 2.5.0: fft(shift=True) puts the frequency 0 between the two pixels in the middle, which is right for an
# odd number of pixels only. With an even number, as nearly every scan has, all frequencies are half a pixel of the
# spectrum too large: of 256 x 256 px the reflections are at 3.22 and -3.03 1/nm, and at 0.10 along y. fft() without
# shift is right. Felt as: the period is 3 % too small or too large, depending on the reflection that is measured,
# as a strain would be, and rows that lie along x are turned by 2 degrees.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install hyperspy==2.5.0 numpy==2.4.6
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import hyperspy.api as hs
import numpy as np

PIXEL, PERIODS = 0.02, 16


def reflections(size, shift):
    """Return (frequency along x, along y) of the two reflections, 1/nm, and the true frequency."""
    x = np.arange(size)
    signal = hs.signals.Signal2D(np.tile(2 + np.cos(2 * np.pi * PERIODS * x / size), (size, 1)))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL, "nm"
    spectrum = signal.fft(shift=shift).amplitude
    along_x, along_y = (axis.axis for axis in spectrum.axes_manager.signal_axes)
    zero, *brightest = np.argsort(spectrum.data, axis=None)[::-1][:3]
    rows, columns = np.unravel_index(brightest, spectrum.data.shape)
    found = sorted(zip(along_x[columns].tolist(), along_y[rows].tolist(), strict=True))
    return np.array(found), PERIODS / (size * PIXEL)


for size, shift in ((256, True), (255, True), (256, False)):
    found, true = reflections(size, shift)
    off = (found - (true, 0))[1 if shift else 0] * size * PIXEL
    print(f"{size} px, shift={shift}: reflections at {found.round(3).tolist()} 1/nm instead of {true:.3f},")
    print("  off by", off.round(3).tolist(), "px of the spectrum")
    assert np.allclose(off, 0.5 if shift and size % 2 == 0 else 0), "changed"
found, true = reflections(256, True)
periods = 1 / np.abs(found[:, 0])
turn = np.degrees(np.arctan2(found[1, 1], found[1, 0]))
print(f"periods {periods.round(3).tolist()} nm instead of {1 / true:.3f}; rows turned by {turn:.1f} degrees")
assert np.allclose(periods, [0.330, 0.310], atol=0.001) and np.isclose(turn, 1.7, atol=0.1), "changed"
print("as stated")
PY
