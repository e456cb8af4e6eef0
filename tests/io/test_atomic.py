from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.atomic import append_line, replacing, write_bytes


def _full_disk(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_written_file_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.bin"
    write_bytes(target, b"abc")
    assert target.read_bytes() == b"abc"
    assert list(target.parent.iterdir()) == [target]


def test_earlier_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"a longer text of before")
    write_bytes(target, b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("stop", [Cancelled(), KeyboardInterrupt(), ValueError("no")])
def test_interrupted_writing_keeps_the_earlier_file(tmp_path: Path, stop: BaseException) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"before")

    def write_half() -> None:
        with replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise stop

    with pytest.raises(type(stop)):
        write_half()
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"before"


def test_temporary_name_ends_like_the_target(tmp_path: Path) -> None:
    with replacing(tmp_path / "masks.ome.tif") as temporary:
        assert temporary.name.startswith(".")
        assert temporary.name.endswith("masks.ome.tif")
        temporary.write_bytes(b"")


def test_full_disk_is_one_line_and_keeps_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", _full_disk)
    with pytest.raises(OutputError, match="No space left") as caught:
        write_bytes(target, b"after")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"before"


def test_folder_that_is_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"^file: is a file, not a folder"):
        write_bytes(tmp_path / "file" / "a.bin", b"abc")


def test_a_disk_that_is_full_for_numpy_is_understandable(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a.bin") as temporary:
            temporary.touch()
            raise OSError("65536 requested and 13244 written")

    with pytest.raises(OutputError, match=r"^a\.bin: .*only a part of it"):
        write()


def test_a_block_that_writes_nothing_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError), replacing(tmp_path / "a.bin"):
        pass


def test_lines_are_appended(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    append_line(target, "one")
    append_line(target, "zwei ä")
    assert target.read_bytes() == "one\nzwei ä\n".encode()


def test_failed_append_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.jsonl"
    append_line(target, "one")
    monkeypatch.setattr(os, "fsync", _full_disk)
    with pytest.raises(OutputError, match=r"a\.jsonl"):
        append_line(target, "two")
    assert target.read_bytes() == b"one\n"


def test_append_to_a_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        append_line(tmp_path, "one")
