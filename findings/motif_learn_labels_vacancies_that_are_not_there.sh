#!/usr/bin/env bash
# Simulated images of a monolayer with vacancies and dopants, and their labels, by motif-learn's TMDImageSimulator.
#
# Expected: sites that are labelled as vacancies lack their column in the image, dopants are bright there, as labels
# for training and tests have to.
# Seen with motif-learn 0.1.2: the labels count sites over both sublattices, the image over one. Ten vacancies and ten
# dopants at random, in images of 512 x 512 px, are labelled in each of ten images, and none is in any of them: the
# images are those of the perfect crystal. A vacancy put at a site by its number in the list of its sublattice is in
# the image, but its label is outside the image.
# Felt as: networks that are trained on perfect columns which are called vacancies, and recall that is 0 in tests.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install motif-learn==0.1.2 numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from mtflearn.datasets import TMDImageSimulator
from scipy import ndimage

SIZE = (512, 512)
perfect = TMDImageSimulator(size=SIZE).simulate()


def labelled(crystal, name):
    """Return the sites with a label, as rows and columns of the image."""
    return np.rint(crystal.pts[crystal.labels == name][:, ::-1]).astype(int).clip(0, 511)


def changed_places(image):
    """Return where the image differs from that of the perfect crystal by a tenth of a column."""
    areas, number = ndimage.label(np.abs(image - perfect) > 0.1)
    return np.array(ndimage.center_of_mass(areas > 0, areas, range(1, number + 1))).reshape(-1, 2)


found = []
for seed in range(10):
    crystal = TMDImageSimulator(size=SIZE)
    crystal.add_random_vacancies("X", num_double=10, seed=seed)
    crystal.add_random_dopants("TM", num_dopants=10, dopant_intensity=2.0, seed=seed)
    image = crystal.simulate()
    sites = [labelled(crystal, "v2"), labelled(crystal, "D")]
    changes = [float(np.abs(image - perfect)[tuple(places.T)].max()) for places in sites]
    found.append((*(len(places) for places in sites), len(changed_places(image)), *changes))
found = np.array(found)
print("labelled vacancies, labelled dopants, places where the image is not that of the perfect crystal, in each image:")
print(found[:, :3].astype(int).tolist())
print(f"largest change of the image at a labelled site: {found[:, 3:].max():.2g} of a column")
assert (found[:, :2] == 10).all() and (found[:, 2:] < 1e-6).all(), "changed"

crystal = TMDImageSimulator(size=SIZE)
sites = crystal.generate_lattice()["X"]
number = int(np.argmin(np.hypot(*(sites - 256).T)))
crystal.add_double_vacancy("X", [number])
places = changed_places(crystal.simulate())
print(f"vacancy at row {sites[number][1]:.0f}, column {sites[number][0]:.0f}: in the image at {places.round().tolist()},")
print(f"labelled in the image: {labelled(crystal, 'v2').tolist()}")
assert np.allclose(places, sites[number][::-1], atol=1), "changed"
near = np.hypot(*(labelled(crystal, "v2") - places[0]).T) < 5
assert not near.any(), "changed"
print("as stated")
PY
