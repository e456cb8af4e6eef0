#!/usr/bin/env bash
# Images of floating-point numbers in Digital Surf files (.sur) of RosettaSciIO, as HyperSpy saves them.
#
# Expected: the file has what was saved, to the precision of its 32-bit integers.
# Seen with rosettasciio 0.15.0 on x86-64: images of double precision are right to 3e-8 of their range. In single precision,
# in which many images and all results of networks are, the brightest pixels come back as the darkest ones, without
# a warning: by rounding, the largest value becomes 2^31, one more than the integers hold, and turns into the least. An
# image whose columns are clipped by the detector has a hole in each column, 3 % of its pixels. Images of half
# precision are blank, with warnings of NumPy about an overflow, but not of the reader.
# Felt as: columns that turn to vacancies where the image is saturated, a maximum that is gone from an image that is not, and
# line profiles through bright columns that drop to the background.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install rosettasciio==0.15.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from rsciio import digitalsurf

y, x = np.mgrid[:240, :300]
columns = sum(
    np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18)
    for row in range(12, 240, 20)
    for column in range(12, 300, 20)
)
noisy = 100 * (columns + np.random.default_rng(0).normal(0, 0.05, columns.shape)) + 40
IMAGES = {"whole range": noisy, "clipped at 120": np.minimum(noisy, 120)}


def saved_and_read(image):
    axes = [
        {"name": name, "scale": 0.02, "offset": 0.0, "units": "nm", "size": size, "navigate": False,
         "index_in_array": index, "is_binned": False, "_type": "UniformDataAxis"}
        for index, (name, size) in enumerate(zip("yx", image.shape, strict=True))
    ]
    about = {"General": {"title": "columns"}, "Signal": {"signal_type": ""}}
    signal = {"data": image, "axes": axes, "metadata": about, "original_metadata": {}}
    digitalsurf.file_writer("image.sur", signal)
    return digitalsurf.file_reader("image.sur")[0]["data"]


found = {}
for name, image in IMAGES.items():
    for kind in ("float64", "float32", "float16"):
        given = image.astype(kind).astype(float)
        read = saved_and_read(image.astype(kind))
        wrong = np.abs(read - given) > 1e-3 * np.ptp(given)
        found[name, kind] = wrong
        print(f"{name}, {kind}: {wrong.sum()} pixels are wrong ({wrong.mean():.1%}), "
              f"of those at the maximum {wrong[given == given.max()].mean():.0%}; range {np.ptp(read):.1f}")
        if kind == "float32":
            assert np.array_equal(wrong, given == given.max()), "changed"
            assert np.allclose(read[wrong], given.min(), atol=1e-3), "changed"
        if kind == "float16":
            assert np.ptp(read) < 1e-3 * np.ptp(given), "changed"
assert not any(found[name, "float64"].any() for name in IMAGES), "changed"
assert found["whole range", "float32"].sum() == 1, "changed"
assert found["clipped at 120", "float32"].mean() > 0.02, "changed"
print("as stated")
PY
