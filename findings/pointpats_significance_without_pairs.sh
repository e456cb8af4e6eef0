#!/usr/bin/env bash
# Significance of Ripley's K and of nearest neighbours by pointpats, for vacancies at random.
#
# Expected: of fields of vacancies at random about 5 % have p < 0.05 at a distance, or 10 % with both tails together,
# and p is never below 1/(n + 1) for n simulations.
# Seen with pointpats 2.5.5: p is the smaller one of the share of simulations that reach the observed value and its
# complement. Where no pair is that close, all simulations reach the observed 0, the share is 1 and p is 0, as if none
# were like it; likewise where every vacancy has a neighbour within the distance. Of fields of 50 vacancies at random
# in 500 x 500 px, with 35 px between neighbours on average, four of five have p = 0 in k_test at 4 px, and more than
# half at 6 px, where more than half of their simulations have no pair, either. In g_test all have p = 0 at distances
# within which every vacancy has a neighbour.
# Felt as: vacancies at random that repel each other "with p = 0.000" below a quarter of their distance.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install pointpats==2.5.5 numpy==2.4.6 scipy==1.17.1
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from pointpats import g_test, k_test

FIELDS, VACANCIES, SIDE, SIMULATIONS = 60, 50, 500.0, 199
DISTANCES = np.array([2.0, 4.0, 6.0, 8.0, 20.0, 120.0])
rng = np.random.default_rng(0)
fields = rng.uniform(0, SIDE, (FIELDS, VACANCIES, 2))


def tested(test):
    """Return the observed statistic and p of each field, and the statistics of its simulations."""
    results = [
        test(
            field,
            support=DISTANCES,
            hull=np.array([0.0, 0.0, SIDE, SIDE]),
            n_simulations=SIMULATIONS,
            n_jobs=1,
            keep_simulations=True,
        )
        for field in fields
    ]
    return (np.array([getattr(r, name) for r in results]) for name in ("statistic", "pvalue", "simulations"))


print("distance / px:", DISTANCES, f"; smallest p of {SIMULATIONS} simulations: {1 / (SIMULATIONS + 1):.3f}")
shares = {}
for name, test in (("k_test", k_test), ("g_test", g_test)):
    observed, p, simulated = tested(test)
    edge = (observed == 0) | (observed == 1) if name == "g_test" else observed == 0
    shares[name] = (p < 0.05).mean(axis=0)
    alike = np.array([(s == o).mean(axis=0) for s, o in zip(simulated, observed)])
    print(f"{name}: share of fields at random with p < 0.05 ", shares[name].round(2))
    print(f"{name}: share of fields at random with p = 0    ", (p == 0).mean(axis=0).round(2))
    both = np.array([alike[edge[:, i], i].mean() if edge[:, i].any() else np.nan for i in range(DISTANCES.size)])
    print(f"{name}: of their simulations, share with the same value", both.round(2))
    assert (p[edge] == 0).all() and (p[~edge] > 0).mean() > 0.95, "changed"
assert (shares["k_test"][:3] > (0.9, 0.8, 0.5)).all() and shares["k_test"][4] < 0.2, "changed"
assert shares["g_test"][1] > 0.7 and shares["g_test"][5] == 1, "changed"
print("as stated")
PY
