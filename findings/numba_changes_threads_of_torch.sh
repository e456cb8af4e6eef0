#!/usr/bin/env bash
# Number of threads of torch after a parallel function of numba, as napari calls for labels layers.
#
# Expected: torch.set_num_threads(1) holds until it is called again, so that the same network gives the same
# probabilities, to the last digit, before and after something else was computed.
# Seen with numba 0.68.1 and torch 2.13.0 on Linux, where numba takes OpenMP unless TBB is installed: a function with
# parallel=True sets the number of OpenMP threads of the thread that calls it, which torch shares. torch has
# NUMBA_NUM_THREADS threads from then on, there only: a thread that begins later still has one. The sum of a million
# numbers differs in the last digits. Felt as: a search that was to be repeated to the bit is not once a labels
# layer was shown, and jobs that were limited to one core each crowd the machine.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install numba==0.68.1 torch==2.13.0 numpy==2.4.6
OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=4 NUMBA_THREADING_LAYER=omp "$folder/venv/bin/python" - <<'PY'
import threading

import numba
import numpy as np
import torch


@numba.njit(parallel=True)
def add_one(values):
    for index in numba.prange(len(values)):
        values[index] += 1


def threads_of_a_new_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


values = torch.from_numpy(np.random.default_rng(0).normal(size=1_000_000).astype(np.float32))
torch.set_num_threads(1)
seen = [(torch.get_num_threads(), threads_of_a_new_thread())]
sums = [float(values.sum())]
add_one(np.zeros(1000))
seen.append((torch.get_num_threads(), threads_of_a_new_thread()))
sums.append(float(values.sum()))
torch.set_num_threads(1)
sums.append(float(values.sum()))
for when, (here, new) in zip(("before", "after"), seen, strict=True):
    print(f"{when} numba: {here} threads here, {new} in a new thread")
print("sums before, after, and with one thread again:", *sums)
assert seen == [(1, 1), (4, 1)], seen
assert sums[0] == sums[2] != sums[1], sums
print("as stated")
PY
