#!/usr/bin/env bash
# Atoms in the unit cell of graphite, read from CIF files whose positions have three to six digits, by five packages.
#
# Expected: 4 atoms, 2 at (0, 0) and 2 at (1/3, 2/3), with 0.3333 and 0.6667 as with 0.333333 and 0.666667; MoS2, all of
# whose atoms are at such places, has 6.
# Seen with ase 3.29.0, pymatgen 2026.10.24, gemmi 0.7.5, diffpy.structure 3.3.1 and crystals 1.7.0: with four digits, as many
# files of hexagonal crystals have them, diffpy.structure and crystals find each atom at (1/3, 2/3) three times, 0.0003 of the
# cell apart: graphite has 8 atoms and MoS2 18. With three digits ase and pymatgen do so, too. gemmi finds 4 and 6 each
# time. diffpy.structure and crystals do not warn.
# Felt as: density and composition that are wrong, and in simulated images graphite's columns of one atom per cell are brighter
# than those of two, so that a comparison with an image sees vacancies or atoms too many.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install ase==3.29.0 pymatgen==2026.10.24 gemmi==0.7.5 diffpy.structure==3.3.1 crystals==1.7.0
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import warnings
from collections import Counter
from pathlib import Path

import ase.io
import gemmi
from crystals import Crystal
from diffpy.structure import loadStructure
from pymatgen.core import Structure

HEAD = """data_crystal
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_symmetry_space_group_name_H-M 'P 63/m m c'
_symmetry_Int_Tables_number 194
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
"""
GRAPHITE = HEAD.format(a=2.46, c=6.7) + "C1 C 0 0 0.25\nC2 C {x} {y} 0.25\n"
MOS2 = HEAD.format(a=3.16, c=12.3) + "Mo1 Mo {x} {y} 0.25\nS1 S {x} {y} 0.621\n"
READERS = {
    "ase": lambda path: ase.io.read(path).get_scaled_positions(),
    "pymatgen": lambda path: Structure.from_file(path).frac_coords,
    "gemmi": lambda path: [
        tuple(site.fract) for site in gemmi.read_small_structure(path).get_all_unit_cell_sites()
    ],
    "diffpy.structure": lambda path: loadStructure(path).xyz,
    "crystals": lambda path: [atom.coords_fractional for atom in Crystal.from_cif(path)],
}


def columns(positions):
    """Return the number of atoms of each column along c, by its place in thirds of the cell."""
    return Counter(tuple(round(3 * float(x)) % 3 for x in each[:2]) for each in positions)


found = {}
for digits in (3, 4, 5, 6):
    for crystal, cif in (("graphite", GRAPHITE), ("MoS2", MOS2)):
        path = f"{crystal}{digits}.cif"
        Path(path).write_text(cif.format(x=f"{1 / 3:.{digits}f}", y=f"{2 / 3:.{digits}f}"))
        for package, read in READERS.items():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                atoms = columns(read(path))
            found[crystal, digits, package] = atoms
            if package in ("diffpy.structure", "crystals"):
                assert not caught, "changed"
        print(f"{crystal}, {digits} digits:", {p: found[crystal, digits, p].total() for p in READERS})
for (crystal, digits, package), atoms in found.items():
    lenient = {"gemmi": 0, "ase": 4, "pymatgen": 4}.get(package, 5)
    times = 3 if digits < lenient else 1
    right = {(0, 0): 2, (1, 2): times, (2, 1): times}
    if crystal == "MoS2":
        right = {(1, 2): 3 * times, (2, 1): 3 * times}
    assert atoms == right, f"changed: {package}, {crystal} of {digits} digits"
columns_of_four = dict(found["graphite", 4, "diffpy.structure"])
print("atoms of graphite's columns by diffpy.structure, four digits:", columns_of_four)
print("as stated")
PY
