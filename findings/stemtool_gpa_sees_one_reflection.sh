#!/usr/bin/env bash
# Strain by STEMTool's geometric phase analysis (GPA).
#
# Expected: in an image of a square lattice, a part that is stretched by 2 % has a strain of 0.02 along the direction in which
# it is stretched, and 0 along the other one. The reflections are given exactly.
# Seen with STEMTool 2024.12.21: get_strain unwraps the phase of the first reflection twice and never uses that of
# the second one. 2 % along y are 0.0000 in all maps. 2 % along x are e_xx = -0.121 if the reflections are not
# refined (-2 pi times the strain: the phase is not divided by 2 pi), with e_yy = 0 and a rotation and a shear of 0.061 that
# are not there. The refinement (20 iterations by default) adds a constant to the reflections at each iteration: in the
# reference region the true one, 1.000 of the lattice's, becomes (1.18, -0.10), so that 2 % along x are e_xx = 0.056.
# Felt as: a film that is strained along the second reflection is free of strain, and other strains are three times as
# large, of a sign that depends on the number of iterations. No map looks wrong: they are flat where they should be.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install STEMTool==2024.12.21 numpy==1.26.4 scipy==1.17.1 scikit-image==0.26.0 nptyping==2.5.0 \
  pyfftw zarr==2.18.3 numcodecs==0.15.1 hyperspy==2.4.0 "dask[distributed]==2026.8.0"
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' | grep -v "clockwise" || { cat errors; exit 1; }
import numpy as np
import stemtool as st

SIZE, PERIOD, PIXEL = 512, 16, 0.02
STRAINED = np.s_[100:400, 360:460]
y, x = np.mgrid[:SIZE, :SIZE].astype(float)


def simulated(along_x, along_y):
    """Return an image of columns, strained to the right of x = 300 px."""
    phases = 2 * np.pi / PERIOD * (x - along_x * np.clip(x - 300, 0, None)), 2 * np.pi / PERIOD * (
        y - along_y * (y - SIZE / 2) * (x > 300)
    )
    return 0.1 + np.exp(2 * (np.cos(phases[0]) + np.cos(phases[1]) - 2))


def strain(along_x, along_y, iterations=20):
    """Return e_xx, e_yy, rotation and shear in the strained part, and the first reflection, 1 if true."""
    gpa = st.gpa.GPA(simulated(along_x, along_y), PIXEL, "nm", ref_iter=iterations)
    reflection = 1 / (PERIOD * PIXEL)
    gpa.find_spots((reflection, 0), (0, reflection), circ_size=12)
    gpa.define_reference((1.2, 1.2), (4.8, 1.2), (4.8, 9), (1.2, 9))
    gpa.refine_phase()
    maps = gpa.get_strain()
    return np.array([np.median(each[STRAINED]) for each in maps]), np.flip(gpa.gvec_1_fin) * PERIOD


found = {}
for iterations in (20, 0):
    for given in ((0.02, 0.0), (0.0, 0.02)):
        found[iterations, given], reflection = strain(*given, iterations)
        names = ("e_xx", "e_yy", "rotation", "shear")
        text = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, found[iterations, given], strict=True))
        print(f"{iterations} iterations, true {given}: {text}; first reflection {reflection.round(2)}")
        found[iterations] = reflection
for iterations in (20, 0):
    assert np.abs(found[iterations, (0.0, 0.02)]).max() < 0.001, "changed"
    assert abs(found[iterations, (0.02, 0.0)][1]) < 0.001, "changed"
assert np.allclose(found[0, (0.02, 0.0)], (-0.121, 0, 0.061, -0.061), atol=0.003), "changed"
assert np.allclose(found[20, (0.02, 0.0)][0], 0.056, atol=0.004), "changed"
assert np.allclose(found[0], (1, 0)) and np.allclose(found[20], (1.18, -0.10), atol=0.02), "changed"
print("as stated")
PY
