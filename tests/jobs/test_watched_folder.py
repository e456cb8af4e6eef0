"""Which files of a watched folder are complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from napari_stem_defects.jobs.watched_folder import (
    RETRIES_S,
    Stamp,
    WatchedFolder,
    is_recording,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watched(folder: Path, clock: Clock, **finished: Stamp) -> WatchedFolder:
    return WatchedFolder(folder, finished, settle_s=2.0, clock=clock)


def names(found: list[tuple[Path, Stamp]]) -> list[str]:
    return [path.name for path, _ in found]


def test_a_file_is_complete_when_it_has_not_changed_for_a_while(
    tmp_path: Path, clock: Clock
) -> None:
    folder = watched(tmp_path, clock)
    path = tmp_path / "a.tif"
    path.touch()
    for content in (b"", b"abc", b"abcdef"):  # written in pieces, a second apart
        path.write_bytes(content)
        assert folder.poll() == []
        clock.now += 1.5
        assert folder.poll() == []
    os.utime(path, ns=(1, 1))  # written in place: the size stays, the time changes
    assert folder.poll() == []
    clock.now += 1.9
    assert folder.poll() == []
    clock.now += 0.2
    ((found, stamp),) = folder.poll()
    assert (found, stamp) == (path, Stamp(6, 1))
    folder.finish("a.tif", stamp)
    clock.now += 100
    assert folder.poll() == []


def test_a_zarr_folder_is_complete_when_none_of_its_files_changes(
    tmp_path: Path, clock: Clock
) -> None:
    folder = watched(tmp_path, clock)
    (tmp_path / "others").mkdir()
    (tmp_path / "no.zarr").mkdir()
    image = tmp_path / "a.ome.zarr"
    (image / "0").mkdir(parents=True)
    (image / "zarr.json").write_bytes(b"{}")
    for chunk in range(3):
        (image / "0" / str(chunk)).write_bytes(b"abc")
        assert folder.poll() == []
        clock.now += 1.5
    (image / "0" / "1").write_bytes(b"abd")  # of the same size
    os.utime(image / "0" / "1", ns=(10**18 * 9, 10**18 * 9))
    assert folder.poll() == []
    clock.now += 2.1
    ((found, stamp),) = folder.poll()
    assert (found, stamp) == (image, Stamp(11, 10**18 * 9))
    assert folder.stamp(image) == stamp
    folder.finish(image.name, stamp)
    clock.now += 100
    assert folder.poll() == []


def test_an_empty_file_is_never_complete(tmp_path: Path, clock: Clock) -> None:
    folder = watched(tmp_path, clock)
    (tmp_path / "a.tif").touch()
    folder.poll()
    clock.now += 1000
    assert folder.poll() == []


def test_a_finished_file_that_changes_is_found_again(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"abc")
    stamp = Stamp(3, path.stat().st_mtime_ns)
    folder = WatchedFolder(tmp_path, {"a.tif": stamp}, settle_s=2.0, clock=clock)
    for _ in range(50):
        clock.now += 1
        assert folder.poll() == []
    path.write_bytes(b"abcd")
    found: list[tuple[Path, Stamp]] = []
    for _ in range(50):
        clock.now += 1
        found += folder.poll()
    assert set(names(found)) == {"a.tif"}


def test_a_file_that_cannot_be_read_is_tried_less_and_less(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "a.tif").write_bytes(b"half")
    folder = watched(tmp_path, clock)
    folder.poll()
    clock.now += 3
    for pause in RETRIES_S:
        assert names(folder.poll()) == ["a.tif"]
        assert folder.retry("a.tif")
        clock.now += pause - 0.1
        assert folder.poll() == []
        clock.now += 0.2
    assert names(folder.poll()) == ["a.tif"]
    assert not folder.retry("a.tif")
    (tmp_path / "a.tif").write_bytes(b"whole")  # its writer goes on: all tries again
    folder.poll()
    clock.now += 3
    assert names(folder.poll()) == ["a.tif"]
    assert folder.retry("a.tif")


def test_files_come_in_natural_order_and_may_vanish(tmp_path: Path, clock: Clock) -> None:
    folder = watched(tmp_path, clock)
    for number in (10, 9, 1):
        (tmp_path / f"im{number}.dm4").write_bytes(b"x")
    (tmp_path / "sub.tif").mkdir()
    folder.poll()
    (tmp_path / "im9.dm4").unlink()
    clock.now += 3
    assert names(folder.poll()) == ["im1.dm4", "im10.dm4"]


def test_a_drive_that_is_away_is_an_error_and_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    place = tmp_path / "drive"
    place.mkdir()
    (place / "a.tif").write_bytes(b"a")
    stamp = Stamp(1, (place / "a.tif").stat().st_mtime_ns)
    folder = WatchedFolder(place, {"a.tif": stamp}, settle_s=2.0, clock=clock)
    assert folder.poll() == []
    shutil.move(place, tmp_path / "away")
    with pytest.raises(OSError, match="drive"):
        folder.poll()
    assert folder.stamp(place / "a.tif") is None
    shutil.move(tmp_path / "away", place)
    clock.now += 5
    folder.poll()
    clock.now += 5
    assert folder.poll() == []
    assert folder.stamp(place / "a.tif") == stamp


@pytest.mark.parametrize("name", ["a.tif", "b.DM4", "run.part1.tif", "c.ome.tif", "Template.png"])
def test_recordings(name: str) -> None:
    assert is_recording(name)


@pytest.mark.parametrize(
    "name",
    [
        *("a.tif.part", "a.part.tif", ".a.tif", "~$a.tif", "a.tif~", "a.tmp", "b.tif.crdownload"),
        *("a.tif.filepart", "notes.txt", "tif", ".7f3a.part.a.tif", "a.tmp.tif", "a.dm4.TMP"),
    ],
)
def test_temporary_names_and_other_files(name: str) -> None:
    assert not is_recording(name)
