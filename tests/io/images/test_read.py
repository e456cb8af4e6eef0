from __future__ import annotations

import gc
import hashlib
import importlib.util
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from reader_contract import IMAGE, assert_refused

from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images import read as module
from napari_stem_defects.io.images import tiff
from napari_stem_defects.io.images.read import read, read_all, signals_and_choice
from napari_stem_defects.io.images.signals import ChosenSignal


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE)
    return path


def test_missing_file(tmp_path: Path) -> None:
    assert_refused(tmp_path / "no.tif", "does not exist", "spelling")


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    assert_refused(tmp_path, "is a folder")


def test_unknown_suffix(tmp_path: Path) -> None:
    for name in ("notes.txt", "a.bcf", "none"):
        (tmp_path / name).write_bytes(b"abc")
        assert_refused(tmp_path / name, "unknown format", ".dm4", ".tif")


def test_a_wrong_suffix_is_reported_with_the_right_one(image: Path) -> None:
    assert_refused(image.rename(image.with_suffix(".png")), "holds TIFF data", "end in .tif")


def test_text_renamed_to_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.dm4").write_text("hello\n" * 100)
    assert_refused(tmp_path / "a.dm4", "is not a DigitalMicrograph 4 file", "export it again")


def test_file_that_may_not_be_read(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert_refused(image, "may not be read", "permissions")


def test_long_and_strange_names_stay_one_line(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 200}.tif"
    path.write_bytes(b"abc")
    with pytest.raises(ReadError) as caught:
        read(path)
    assert len(str(caught.value)) <= 200
    with pytest.raises(ReadError) as caught:
        read(tmp_path / "two\nlines\x1b[31m.tif")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "error",
    [RecursionError(), AssertionError("no"), KeyError("x"), SystemError("many\nlines " * 99)],
)
def test_whatever_a_library_raises_is_a_read_error(
    image: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: Any, **_options: Any) -> Any:
        raise error

    monkeypatch.setattr(tiff, "TiffFile", fail)
    assert_refused(image, "may be damaged")


def test_too_little_memory_is_a_read_error(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(tiff, "TiffFile", fail)
    assert_refused(image, "does not fit into memory")


def test_interrupting_is_no_read_error(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: Any, **_options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(tiff, "TiffFile", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read(image)


def test_read_error_keeps_no_frames_and_so_no_files_open(image: Path) -> None:
    image.write_bytes(image.read_bytes()[:100])
    with pytest.raises(ReadError) as caught:
        read(image)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("size", [0, -1, float("nan"), float("inf")])
def test_pixel_size_has_to_be_a_length(image: Path, size: float) -> None:
    with pytest.raises(InputError, match="not a positive length"):
        read(image, pixel_size_nm=size)


def test_libraries_stay_silent_and_are_left_as_they_were(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((3, 64, 64), np.uint8), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:5000])
    before = list(warnings.filters)
    with pytest.raises(ReadError):
        read(path)
    gc.collect()
    assert capfd.readouterr() == ("", "")
    assert warnings.filters == before
    assert logging.getLogger("tifffile").propagate


def test_what_a_library_complains_about_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, IMAGE, software="x" * 20)
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].tags[305].offset
    data = bytearray(path.read_bytes())
    data[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    path.write_bytes(data)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert "invalid value offset" in micrograph.metadata["reader_messages"][0]


def test_reading_a_picture_imports_no_optional_library() -> None:
    command = "import sys, napari_stem_defects.io.images.read; print(*sys.modules)"
    import subprocess

    out = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in out.stdout.split()}
    assert not loaded & {"rsciio", "h5py", "torch", "napari", "dask", "qtpy", "PyQt6"}


def test_another_signal_is_another_image(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, HAADF=IMAGE, ABF=IMAGE // 2)
    default, same, other = read(path), read(path, signal="haadf"), read(path, signal="ABF")
    assert default.signal == same.signal == "HAADF"
    assert default.sha256 == same.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (other.signal, other.name) == ("ABF", "a")
    assert other.sha256 != default.sha256
    assert other.notes == ("Of 2 signals 'ABF' was read (as chosen), not HAADF.",)


def test_every_micrograph_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, ABF=IMAGE // 2, spectrum=IMAGE[0], HAADF=IMAGE)
    images, default = read_all(path)
    assert [image.signal for image in images] == ["ABF", "HAADF"]
    assert default == 1
    assert images[1].sha256 == read(path).sha256


def test_the_default_alone_is_read_where_all_need_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, ABF=IMAGE // 2, HAADF=IMAGE)
    monkeypatch.setattr(module, "memory_limit", lambda: 50_000)
    images, default = read_all(path)
    assert ([image.signal for image in images], default) == (["HAADF"], 0)


def test_signals_are_listed_with_the_choice_or_why_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, spectrum=IMAGE[0], both=IMAGE)
    signals, chosen = signals_and_choice(path)
    assert [signal.fault != "" for signal in signals] == [True, False]
    assert chosen == ChosenSignal(1, "the only image", chosen.note)
    assert signals_and_choice(path, "spectrum")[1].startswith("a.npz: ")


def test_a_filter_that_is_not_installed_is_named(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_options: Any) -> Any:
        raise OSError("Can't synchronously read data (can't open directory (/usr/local/lib))")

    monkeypatch.setattr(tiff, "TiffFile", fail)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert_refused(image, "hdf5plugin", "pip install")
