"""Errors and warnings of libraries become one line."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest

from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images.convert import NotAnImage
from napari_stem_defects.io.images.library_faults import in_one_line

PATH = Path("a.dm4")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\nlines"), r"^a\.dm4: cannot be read, it may be damaged \(two lines\)"),
        (MemoryError(), r"^a\.dm4: does not fit into memory; cut it"),
        (PermissionError(), r"^a\.dm4: may not be read; change its permissions"),
        (NotAnImage("holds no pixels; record it again"), r"^a\.dm4: holds no pixels; record it"),
        (ModuleNotFoundError("no", name="h5py"), r"^a\.dm4: .*h5py"),
    ],
)
def test_errors_of_libraries(error: Exception, line: str) -> None:
    def load(messages: list[str]) -> None:
        raise error

    with pytest.raises(ReadError, match=line) as caught:
        in_one_line(PATH, load)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_our_own_errors_are_kept() -> None:
    def load(messages: list[str]) -> None:
        raise InputError("a.dm4: has no signal 'BF'; there are: 0 HAADF")

    with pytest.raises(InputError, match="has no signal"):
        in_one_line(PATH, load)


def test_warnings_are_collected_and_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def load(messages: list[str]) -> list[str]:
        logging.getLogger("tifffile").warning("invalid page offset")
        warnings.warn("unknown tag", stacklevel=1)
        return messages

    assert in_one_line(PATH, load) == ["invalid page offset"]
    assert capsys.readouterr().err == ""
