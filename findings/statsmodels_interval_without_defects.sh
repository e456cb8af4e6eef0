#!/usr/bin/env bash
# Confidence intervals of statsmodels where one of two areas shows no defect.
#
# Expected: the interval of a ratio of densities of 0 and 5 vacancies in equal areas begins at 0.
# Seen with statsmodels 0.15.0, at 95 %: confint_poisson_2indep, with its defaults, returns one limit twice, here 0.768
# to 0.768, and 1.302 to 1.302 for the reverse. For 0 vacancies in 50 nm2 and 5 in 200 nm2 it states that the
# ratio is 3.07, to all digits: three times as many vacancies in the area without any. With 1 instead
# of 0 it is right. confint_poisson of 0 counts by "midp-c" is 2.996 to 2.996 and by "sqrt" 0.960 to 0.960; by "exact-c"
# it is right, 0 to 3.689. Felt as: the clean area has a density with no uncertainty, and it is not zero.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from statsmodels.stats.rates import confint_poisson, confint_poisson_2indep

print("ratio of densities, from counts and areas in nm2:")
ratios = {}
for areas in ((0, 100.0, 5, 100.0), (5, 100.0, 0, 100.0), (0, 50.0, 5, 200.0), (1, 100.0, 5, 100.0)):
    ratios[areas] = np.array(confint_poisson_2indep(*areas))
    print("  %d in %.0f over %d in %.0f:" % areas, "%.3f to %.3f" % tuple(ratios[areas]))
print("mean of a count:")
means = {}
for method in ("exact-c", "midp-c", "sqrt"):
    for count in (0, 1):
        means[method, count] = np.array(confint_poisson(count, 1, method=method))
        print(f"  {method}, of {count}: %.3f to %.3f" % tuple(means[method, count]))
stated = [(0.768, 0.768), (1.302, 1.302), (3.073, 3.073), (0.031, 1.291)]
assert np.allclose(list(ratios.values()), stated, atol=0.001), "changed"
assert np.allclose(means["exact-c", 0], (0, 3.689), atol=0.001), "changed"
assert np.allclose(means["midp-c", 0], 2.996, atol=0.001), "changed"
assert np.allclose(means["sqrt", 0], 0.960, atol=0.001), "changed"
assert np.allclose(means["midp-c", 1], (0.050, 4.932), atol=0.001), "changed"
print("as stated")
PY
