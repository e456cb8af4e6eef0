"""Threads that wait use next to no processor time, unless the user wants otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_stem_defects.base.waiting_threads import sleep_while_waiting

# Share of the time between two layers, in which nothing is to be computed, that is computed.
WAITING = """
import time
from napari_stem_defects.base.waiting_threads import sleep_while_waiting
sleep_while_waiting()
import torch
torch.set_num_threads(2)
values, computed, waited = torch.ones(2**20), 0.0, 0.0
for _ in range(200):
    values.exp_()
    values.fill_(1)
    start = time.process_time(), time.perf_counter()
    time.sleep(0.001)
    computed += time.process_time() - start[0]
    waited += time.perf_counter() - start[1]
print(computed / waited)
"""


def test_the_choice_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    sleep_while_waiting()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bring another OpenMP library")
def test_waiting_threads_do_not_compute() -> None:
    """Without the choice, the second thread computes most of the time."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    found = subprocess.run(
        [sys.executable, "-c", WAITING], env=environment, capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < 0.2


def test_commands_choose_it_before_torch_is_loaded() -> None:
    script = (
        "import os, sys\n"
        "from napari_stem_defects.cli import main\n"
        "try:\n"
        "    main.main(['--version'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules)\n"
        "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)\n"
    )
    chosen = ("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in chosen}
    found = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split()[-4:] == ["1", "False", "PASSIVE", "False"]
