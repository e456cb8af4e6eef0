#!/usr/bin/env bash
# Drift of a movie whose frames have an odd number of pixels, by the registration of Nion Swift (niondata).
#
# Expected: a movie of one still lattice has no drift, to 0.1 px, whatever the size of its frames.
# Seen with niondata 15.9.1: the middle of the correlation is taken at n / 2, which is a pixel for even sizes and half a
# pixel beside for odd ones. In frames of 128 x 128 px the drift of 50 still frames is 0; in frames of 127 x 127 px, as
# after a crop, every pair of frames differs by (-0.5, -0.5) px. sequence_register_translation compares each frame with the
# one before: its sum is a drift of 24.5 px, a fifth of the width of the image. sequence_align moves all frames by half a pixel,
# but not the first one. The same holds where only the region for the registration (bounds) is odd: frames of 128 px
# with a region of 101 px. Felt as: a steady drift to the upper left of a sample that stands still, which changes from
# one movie to the next as the region does, and a sum of aligned frames that is blurred by its first one.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install niondata==15.9.1 scipy==1.17.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from nion.data import Core, DataAndMetadata
from scipy.ndimage import center_of_mass

FRAMES, PERIOD, SIGMA, NOISE = 50, 14, 2.5, 0.02


def movie(size):
    """Return frames of a still particle with a lattice, with noise."""
    at = np.arange(size) - size // 2
    ridges = np.exp(-((at[:, None] - PERIOD * np.arange(-9, 10)) ** 2) / (2 * SIGMA**2)).sum(axis=1)
    ridges *= np.exp(-(at**2) / (2 * (size / 5) ** 2))
    noise = np.random.default_rng(0).normal(0, NOISE, (FRAMES, size, size))
    descriptor = DataAndMetadata.DataDescriptor(True, 0, 2)
    return DataAndMetadata.new_data_and_metadata(np.outer(ridges, ridges) + noise, data_descriptor=descriptor)


def drift(size, bounds=None):
    """Return the drift from the first frame in the median, the sum of all steps, and what the alignment moves."""
    frames = movie(size)
    from_first = Core.function_sequence_measure_relative_translation(frames, frames[0], True, bounds=bounds).data
    steps = Core.function_sequence_register_translation(frames, True, bounds=bounds).data
    aligned = Core.function_sequence_align(frames, bounds=bounds).data
    centres = [center_of_mass(np.clip(each - 0.3, 0, None)) for each in (aligned[0], aligned[1:].mean(axis=0))]
    return np.median(from_first, axis=0), steps.sum(axis=0), np.subtract(*centres[::-1])


odd_region = ((13 / 128, 13 / 128), (101 / 128, 101 / 128))
found = {"128 px": drift(128), "127 px": drift(127), "128 px, region of 101 px": drift(128, odd_region)}
for name, (from_first, total, moved) in found.items():
    print(f"{name}: from the first frame {from_first.round(2)} px, sum of the steps {total.round(1)} px,", end=" ")
    print(f"aligned frames lie {moved.round(2)} px beside the first")
for name, (from_first, total, moved) in found.items():
    stated = 0 if name == "128 px" else -0.5
    assert np.allclose(from_first, stated, atol=0.1), "changed"
    assert np.allclose(total, stated * (FRAMES - 1), atol=1), "changed"
    assert np.allclose(moved, stated, atol=0.2), "changed"
print("as stated")
PY
