"""Paths that scripts give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.base.paths import to_path, to_paths
from napari_stem_defects.errors import InputError


def test_one_path_is_a_list_of_one() -> None:
    """A str is no sequence of paths of one letter each."""
    assert to_paths("night.labels") == to_paths(Path("night.labels")) == [Path("night.labels")]
    assert to_paths(("a", Path("b"))) == [Path("a"), Path("b")]
    assert to_paths([]) == []


@pytest.mark.parametrize("given", [None, b"a", 3, np.zeros(2), ["a"], ""])
def test_what_is_no_path_is_one_line(given: object) -> None:
    with pytest.raises(InputError, match=r"no path; give a str|the path is empty"):
        to_path(given)
    if not isinstance(given, list):
        with pytest.raises(InputError, match=r"no path; give a str|the path is empty"):
            to_paths(given)  # type: ignore[arg-type]


def test_the_users_folder_is_found_as_in_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert to_path("~/a.tif") == to_path(Path("~/a.tif")) == tmp_path / "a.tif"
    assert to_path("a~/b") == Path("a~/b")
    Path("~lock.tif").touch()
    assert to_path("~lock.tif") == Path("~lock.tif")
