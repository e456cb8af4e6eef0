#!/usr/bin/env bash
# The columns of a micrograph, written by TEMUL as CIF and as XYZ for simulations.
#
# Expected: both files hold the same structure, and a simulation of it looks like the micrograph.
# Seen with temul-toolkit 0.1.9, read by ASE 3.29.0: create_dataframe_for_cif lets y point up, against the
# rows, create_dataframe_for_xyz down, along them; so the two structures are mirror images of each other. From
# Mo over W to S the columns turn clockwise in the image and in the CIF file, and counter-clockwise in the XYZ
# file wherever y is drawn upwards, as ASE's viewer and abTEM's plots do. Felt as: the simulated fault or twin
# bends to the other side than that of the micrograph, in one of two files from one call after the other.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install temul-toolkit==0.1.9 atomap==0.4.2 hyperspy==2.5.0 ase==3.29.0 \
  "PyCifRW<5" numpy==2.4.6
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" - 2> errors <<'PY' | grep -v "^Writing\|^All blocks" || { cat errors; exit 1; }
import ase.io
import atomap.api as am
import hyperspy.api as hs
import numpy as np
from temul.io import create_dataframe_for_xyz, write_cif_from_dataframe
from temul.model_creation import create_dataframe_for_cif

# x (column) and y (row) in an image of 100 x 140 px: W is right of Mo, S below it.
COLUMNS = {"Mo": (20, 20), "W": (60, 20), "S": (20, 40)}
SIZE = (14.0, 10.0, 5.0)  # angstrom along x, y and the beam
y, x = np.mgrid[:100, :140]
image = sum(np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18) for column, row in COLUMNS.values())
sublattice = am.Sublattice(np.array(list(COLUMNS.values()), float), image=hs.signals.Signal2D(image))
elements = [f"{element}_1" for element in COLUMNS]
for atom, element in zip(sublattice.atom_list, elements, strict=True):
    atom.elements, atom.z_height = element, "0.5"
create_dataframe_for_xyz([sublattice], elements, *SIZE, filename="columns")
write_cif_from_dataframe(create_dataframe_for_cif([sublattice], elements), "columns", "x", *SIZE)


def turn(file, form):
    """Return z of the cross product of Mo to W and Mo to S, angstrom squared."""
    atoms = ase.io.read(file, format=form)
    at = dict(zip(atoms.get_chemical_symbols(), atoms.positions, strict=True))
    print(file, {element: place.round(1).tolist() for element, place in at.items()})
    return round(float(np.cross(at["W"] - at["Mo"], at["S"] - at["Mo"])[2]), 3)


turns = turn("columns.cif", "cif"), turn("columns.xyz", "prismatic")
print("turn from W to S about Mo in the two files:", turns)
assert turns == (-8, 8), "changed"
print("as stated")
PY
