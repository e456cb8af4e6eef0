from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.io.messages import LIMIT, is_url, missing_file, one_line


def test_a_message_names_file_fault_and_advice() -> None:
    line = one_line(Path("data") / "lamella.dm4", "is empty", "export it again")
    assert line == "lamella.dm4: is empty; export it again"


def test_a_long_name_is_shortened_in_the_middle() -> None:
    line = one_line(Path(f"begin{'x' * 100}end.tif"), "is empty", "export it again")
    name, _, _ = line.partition(": ")
    assert len(name) <= 60
    assert name.startswith("begin")
    assert name.endswith("end.tif")


def test_a_long_fault_is_cut_and_the_advice_is_kept() -> None:
    line = one_line(Path("a.tif"), "fault " * 100, "export it again")
    assert len(line) <= LIMIT
    assert line.endswith("…; export it again")


@given(st.text(max_size=300), st.text(max_size=300))
def test_texts_of_libraries_become_one_printable_line(name: str, fault: str) -> None:
    path = Path(name.replace("\0", "")) / "a"
    line = one_line(path, fault, "export it again")
    assert line.isprintable()
    assert len(line) <= LIMIT


@pytest.mark.parametrize("path", ["https://host/x.tif", "s3://bucket/x.tif", "file:///x.tif"])
def test_urls_are_recognised_also_as_paths(path: str) -> None:
    assert is_url(path)
    assert is_url(Path(path))
    line = missing_file(Path(path))
    assert line == "x.tif: is a URL, and URLs are not read; download the file first"


@pytest.mark.parametrize("path", ["C:/x.tif", r"C:\x.tif", "a/b:c.tif", "x.tif", "/https:/x.tif"])
def test_paths_are_no_urls(path: str) -> None:
    assert not is_url(path)
    assert missing_file(Path("x.tif")).startswith("x.tif: does not exist; check")
