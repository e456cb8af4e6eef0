#!/usr/bin/env bash
# Positions of columns that Atomap turns or mirrors together with a calibrated image.
#
# Expected: rotate_points_and_signal and fliplr_points_and_signal leave each position on its column, for an image of
# any pixel size; both are shown in their docstrings with the image and the positions of a sublattice.
# Seen with Atomap 0.4.2 and HyperSpy 2.5.0: the positions are in pixels, but the centre about which they turn is in the
# units of the image. With 1 per px they stay on the column. With 0.02 nm per px the centre is the pixel at
# (2.8, 2.0), near the corner: after a turn by 30 degrees the position is 87 px beside its column, and after a
# mirroring it is at x = -54. Felt as: positions of rotated and mirrored copies, as for training or for lining
# up two images, are beside the columns as soon as the image has its pixel size, without an error.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install atomap==0.4.2 hyperspy==2.5.0 numpy==2.4.6
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import atomap.api as am
import hyperspy.api as hs
import numpy as np
from atomap.tools import fliplr_points_and_signal, rotate_points_and_signal
from scipy.ndimage import center_of_mass

HEIGHT, WIDTH, COLUMN = 200, 280, (60.0, 100.0)  # x and y of the column in px
y, x = np.mgrid[:HEIGHT, :WIDTH]
image = np.exp(-((x - COLUMN[0]) ** 2 + (y - COLUMN[1]) ** 2) / 18)
beside = {}
for pixel_size in (1, 0.02):
    signal = hs.signals.Signal2D(image)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = pixel_size, "nm"
    sublattice = am.Sublattice(np.array([COLUMN]), image=signal)
    given = sublattice.get_atom_list_on_image(), sublattice.x_position, sublattice.y_position
    for name, result in (
        ("turned by 30 degrees", rotate_points_and_signal(*given, 30)),
        ("mirrored", fliplr_points_and_signal(*given)),
    ):
        at_y, at_x = center_of_mass(result[0].data)
        stated_x, stated_y = float(result[1][0]), float(result[2][0])
        distance = float(np.hypot(stated_x - at_x, stated_y - at_y))
        beside[pixel_size, name] = distance
        print(f"{pixel_size} nm per px, {name}: the column is at x {at_x:.1f}, y {at_y:.1f} px,",
              f"its position x {stated_x:.1f}, y {stated_y:.1f}, {distance:.1f} px beside")
for name, stated in (("turned by 30 degrees", 86.9), ("mirrored", 273.4)):
    assert beside[1, name] < 0.1 and np.isclose(beside[0.02, name], stated, atol=0.1), "changed"
print("as stated")
PY
