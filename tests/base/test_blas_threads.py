"""Matrix products use one thread while they are asked to, and then as many as before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import linalg

import napari_stem_defects as sd
from napari_stem_defects.anomaly import survey_frame as survey_module
from napari_stem_defects.base import blas_threads as module
from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection import detect_frame as detect_module

if TYPE_CHECKING:
    from napari_stem_defects.lattice.measurement import LatticeMeasurement


def counts() -> list[int]:
    return [library.get() for library in module._libraries()]


def test_threads_are_limited_and_restored() -> None:
    before, values = counts(), np.eye(64)
    with one_blas_thread():
        assert set(counts()) <= {1}
        np.testing.assert_array_equal(values @ values, values)
        np.testing.assert_allclose(linalg.inv(values), values)
    assert counts() == before
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert counts() == before


@pytest.mark.skipif(not counts(), reason="numpy and scipy multiply with another library")
def test_overlapping_threads_restore_what_was_before_all() -> None:
    """The first to begin ends first: what it found must not come back before the last has ended."""
    of_all = counts()
    for library in module._libraries():
        library.set(2)
    first, second = one_blas_thread(), one_blas_thread()
    before = counts()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(counts()) == {1}
    second.__exit__(None, None, None)
    after = counts()
    for library, count in zip(module._libraries(), of_all, strict=True):
        library.set(count)
    assert after == before


def test_the_verbs_of_a_script_multiply_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script chooses no environment; its searches must not wait in loops for each other."""
    seen: list[list[int]] = []

    def measure(*_: object) -> LatticeMeasurement:
        seen.append(counts())
        raise KeyError

    micrograph = Micrograph(np.zeros((64, 64), np.float32), name="empty")
    before = counts()
    monkeypatch.setattr(survey_module, "measure_lattices", measure)
    monkeypatch.setattr(detect_module, "measure_lattices", measure)
    with pytest.raises(KeyError):
        sd.survey(micrograph)
    with pytest.raises(KeyError):
        sd.detect(micrograph, model="cdte-110")
    assert [set(each) <= {1} for each in seen] == [True, True]
    assert counts() == before


@pytest.mark.skipif(sys.platform != "linux", reason="wheels of other systems use other libraries")
def test_the_library_of_numpy_is_found() -> None:
    """Fails where a new version of numpy names the function differently."""
    if "openblas" not in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]):
        pytest.skip("numpy was built with another library")
    assert counts()


def test_nothing_changes_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_libraries", lambda: ())
    with one_blas_thread():
        assert counts() == []
