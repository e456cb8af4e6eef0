"""The command ``data``."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from command_line import one_line

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.datasets import catalogue
from napari_stem_defects.io.datasets.catalogue import DataSet
from napari_stem_defects.io.datasets.fetch import digest_of


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the archive of a set of one file, which the catalogue lists."""
    path = tmp_path / "state.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("top/a.tif", b"data")
    digest = digest_of({"images/a.tif": hashlib.sha256(b"data").hexdigest()})
    url = "http://127.0.0.1:9/state.zip"
    small = DataSet("small", "one file", url, {"a.tif": "images/a.tif"}, 1, digest, "cite it")
    monkeypatch.setitem(catalogue.DATA_SETS, "small", small)
    return path


def test_a_set_is_fetched_once(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data", "fetch", "small", "--out", str(tmp_path / "out"), "--mirror", str(archive)]
    for state in ("fetched and checked", "already there"):
        assert main(words) == 0
        printed = capsys.readouterr().out
        assert state in printed
        assert "cite it" in printed
    assert (tmp_path / "out" / "images" / "a.tif").read_bytes() == b"data"


def test_sets_are_listed_with_their_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    assert "cdte-sto" in printed
    assert "no licence is stated" in printed


def test_what_cannot_be_fetched_is_one_line(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pooch")
    assert main(["data", "fetch", "small", "--out", str(tmp_path / "out")]) == 2
    assert "cannot be downloaded" in one_line(capsys.readouterr().err)
    assert main(["data", "fetch", "large"]) == 2
    assert "data set 'large' is unknown" in one_line(capsys.readouterr().err)
