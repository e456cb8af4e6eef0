"""Fixtures every test may use."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# A pull request is judged on the same examples every time; search new ones with
# --hypothesis-profile=explore, and pin what it finds with @example.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("repeatable")

# The networks in tests are tiny: more threads only wait for each other, for minutes where the
# machine is busy. Set before anything imports torch; worker processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A suite started in the background inherits "ignore Ctrl-C" and hands it on to every command it
# starts, where the tests then wait for a Ctrl-C that nobody hears.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Leave out what is alive now when Python looks for garbage.

    That is a million objects of libraries and collected tests, which live to the end. napari has
    the garbage collected around every viewer: a fifth of the time of such a test.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def same_threads() -> None:
    """Let torch have the same number of threads in every test: sums depend on it in the last digit.

    numba changes it in the thread that calls a parallel function, as napari does to draw labels.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real micrographs, or skip: it is never part of the repository."""
    default = Path(__file__).parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("STEM_DEFECTS_DATA", default)).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set STEM_DEFECTS_DATA")
    return folder


@pytest.fixture
def short_pretraining(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretrain few patches for 5 epochs instead of 32, which are most of the time of a training.

    For tests of what is written, reported or cancelled, not of what is learned.
    """
    for name in ("PATCH_PRETRAINING_EPOCHS", "MAX_PRETRAINING_EPOCHS"):
        monkeypatch.setattr(f"napari_stem_defects.training.recipes.{name}", 5)
