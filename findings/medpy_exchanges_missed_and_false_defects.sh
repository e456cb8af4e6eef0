#!/usr/bin/env bash
# Share of defects that are found, and share of detections that are false, by MedPy's obj_tpr and obj_fpr.
#
# Expected: with the detected masks as result and the labelled ones as reference, obj_tpr is the share of labelled
# defects that are found, and obj_fpr the share of detections that are none, as both functions are documented: at a
# true positive rate of 1 every labelled object has been found.
# Seen with MedPy 0.5.2: the number of objects by which each is divided is that of the other mask. A detector that
# finds 10 of 20 vacancies and nothing else has a true positive rate of 1 and a false positive rate of 0.5. One that
# finds all 20 and 10 more that are none has 0.67 and 0. The two results in the documentation's example of the
# direction come out with the arguments exchanged.
# Felt as: detectors that are tuned until they find almost nothing, since that has the best true positive rate.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install medpy==0.5.2 SimpleITK==2.5.7 numpy==2.4.6 scipy==1.17.1
cd "$folder"
export HOME="$folder"
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from medpy.metric.binary import obj_fpr, obj_tpr


def mask(sites):
    """Return a mask with a region of 4 x 4 px at each site."""
    drawn = np.zeros((200, 200), bool)
    for site in sites:
        row, column = 10 + 30 * (site // 6), 10 + 30 * (site % 6)
        drawn[row : row + 4, column : column + 4] = True
    return drawn


labelled = mask(range(20))
for name, sites, found, false in (
    ("half of 20 vacancies", range(10), 0.5, 0),
    ("all 20 and 10 that are none", range(30), 1, 1 / 3),
    ("all 20", range(20), 1, 0),
):
    rates = obj_tpr(mask(sites), labelled), obj_fpr(mask(sites), labelled)
    exchanged = obj_tpr(labelled, mask(sites)), obj_fpr(labelled, mask(sites))
    print(f"{name}: true positive rate {rates[0]:.2f} instead of {found:.2f},", end=" ")
    print(f"false positive rate {rates[1]:.2f} instead of {false:.2f}")
    assert np.allclose(rates, (1 - false, 1 - found)), "changed"
    assert np.allclose(exchanged, (found, false)), "changed"
result, reference = np.array([1, 0, 1, 0, 0]), np.array([1, 0, 1, 0, 1])
rates = obj_tpr(result, reference), obj_tpr(reference, result)
print("example of the documentation: %.2f and %.2f instead of 0.67 and 1.00" % rates)
assert np.allclose(rates, (1, 2 / 3)), "changed"
print("as stated")
PY
