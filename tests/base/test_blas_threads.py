"""Matrix products use as many threads as they are given, and then as many as before."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import linalg

from napari_stem_defects.base import blas_threads as module
from napari_stem_defects.base.blas_threads import blas_threads


def counts() -> list[int]:
    return [library.get() for library in module._libraries()]


def test_threads_are_limited_and_restored() -> None:
    before, values = counts(), np.eye(64)
    with blas_threads(1):
        assert set(counts()) <= {1}
        np.testing.assert_array_equal(values @ values, values)
        np.testing.assert_allclose(linalg.inv(values), values)
    assert counts() == before
    with pytest.raises(KeyError), blas_threads(1):
        raise KeyError
    assert counts() == before


@pytest.mark.skipif(sys.platform != "linux", reason="wheels of other systems use other libraries")
def test_the_library_of_numpy_is_found() -> None:
    """Fails where a new version of numpy names the function differently."""
    if "openblas" not in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]):
        pytest.skip("numpy was built with another library")
    assert counts()


def test_nothing_changes_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_libraries", lambda: ())
    with blas_threads(1):
        assert counts() == []
