#!/usr/bin/env bash
# Partly occupied sites of a CIF in the files that ase writes for the STEM simulations muSTEM and Prismatic.
#
# Expected: CdTe with a tenth of the Cd missing and a fifth of the Te replaced by Se is written so, as both formats have
# a column for the occupancy, or refused.
# Seen with ase 3.29.0: read() notes the occupancies in atoms.info and gives each site its main element. The writers of both
# formats look for them elsewhere, in an array of the atoms, and write 1 for each atom if it is not there: the files
# describe CdTe without vacancies and without Se. The CIF that ase writes of the same atoms is right, as of a supercell.
# No warning from read(), repeat or write(). pymatgen, which reads the CIF rightly, refuses to make atoms of it.
# Felt as: simulated images of the perfect crystal where an alloy or vacancies were meant, Te columns whose mean
# atomic number is 52 instead of 48, and a comparison with an experiment that finds vacancies in all columns.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install ase==3.29.0 pymatgen==2026.10.24 numpy==2.4.6
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import warnings
from pathlib import Path

import ase.io
import numpy as np
from ase.data import atomic_numbers
from pymatgen.core import Structure

Path("alloy.cif").write_text("""data_alloy
_cell_length_a 6.481
_cell_length_b 6.481
_cell_length_c 6.481
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F -4 3 m'
_symmetry_Int_Tables_number 216
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cd1 Cd 0 0 0 0.9
Te1 Te 0.25 0.25 0.25 0.8
Se1 Se 0.25 0.25 0.25 0.2
""")
CELLS = 2
VIBRATIONS = {"Cd": 0.5, "Te": 0.5, "Se": 0.5}
right = {"Cd": 3.6, "Te": 3.2, "Se": 0.8}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    atoms = ase.io.read("alloy.cif").repeat((CELLS, 1, 1))
    ase.io.write("alloy.xtl", atoms, format="mustem", keV=200, debye_waller_factors=VIBRATIONS)
    ase.io.write("alloy.xyz", atoms, format="prismatic", debye_waller_factors=VIBRATIONS)
    ase.io.write("again.cif", atoms)
assert not caught, "changed"
print("noted by read():", atoms.info["occupancy"])


def per_cell(numbers, occupancies):
    """Return how many atoms of each element a cell has."""
    return {
        element: float(occupancies[numbers == atomic_numbers[element]].sum().round(3)) / CELLS
        for element in right
    }


lines = [line.split() for line in Path("alloy.xyz").read_text().splitlines()[2:]]
prismatic = np.array([[float(each) for each in line] for line in lines if len(line) == 6])
lines = [line.split() for line in Path("alloy.xtl").read_text().splitlines()]
mustem = np.array([[float(each) for each in line] for line in lines if len(line) == 4])
found = {
    "read by pymatgen": Structure.from_file("alloy.cif"),
    "CIF of ase": Structure.from_file("again.cif"),
    "Prismatic": per_cell(prismatic[:, 0], prismatic[:, 4]),
    "muSTEM": per_cell(mustem[:, 1], mustem[:, 0] * mustem[:, 2]),
}
for name, cell in found.items():
    if isinstance(cell, Structure):
        cells = len(cell) / 8
        cell = {str(k): round(float(v) / cells, 3) for k, v in cell.composition.items()}
    print(f"atoms per cell, {name}: {cell}")
    full = {"Cd": 4, "Te": 4, "Se": 0}
    assert cell == (full if name in ("Prismatic", "muSTEM") else right), "changed"
try:
    Structure.from_file("alloy.cif").to_ase_atoms()
    fault = None
except ValueError as error:
    fault = str(error)
print("pymatgen, asked for atoms of ase:", fault)
assert fault, "changed"
print("as stated")
PY
