"""One program at a time writes a folder; others learn who does."""

from __future__ import annotations

import errno
import multiprocessing
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from napari_stem_defects.errors import InUseError, OutputError
from napari_stem_defects.io.write_lock import (
    FolderLocks,
    WriteLock,
    describe_holder,
    give_back_all,
    read_holder,
    remove_free_lock,
    write_holder,
)


def hold(folder: Path, held: Any, end: Any) -> None:
    """Hold a lock in another process until told to end."""
    lock = WriteLock(folder, "search")
    lock.acquire()
    held.set()
    end.wait(60)
    assert lock.is_held
    os._exit(1)  # as after a crash: nothing is released


@pytest.fixture
def other(tmp_path: Path) -> Any:
    """Return a process that holds the lock of tmp_path/a, and what ends it."""
    context = multiprocessing.get_context("spawn")
    held, end = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "a", held, end))
    process.start()
    assert held.wait(60)
    yield process, end
    end.set()
    process.join(60)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for folder in (tmp_path / "taken" / "a", tmp_path / "taken" / "deeper" / "a"):
        with pytest.raises(OutputError, match=r"^taken: is a file, not a folder"):
            WriteLock(folder, "search").acquire()


def test_another_process_gets_one_line_that_names_the_holder(tmp_path: Path, other: Any) -> None:
    process, _ = other
    with pytest.raises(InUseError, match=r"^a: another search writes here since 20") as caught:
        WriteLock(tmp_path / "a", "search").acquire()
    assert f"process {process.pid} on {socket.gethostname()}" in str(caught.value)
    assert "wait for it" in str(caught.value)
    with WriteLock(tmp_path / "b", "search"):
        pass  # other folders are free


def test_the_lock_ends_with_the_process_that_holds_it(tmp_path: Path, other: Any) -> None:
    process, end = other
    end.set()
    process.join(60)
    with WriteLock(tmp_path / "a", "search") as lock:
        assert lock.is_held


def test_only_the_files_of_a_free_lock_are_removed(tmp_path: Path, other: Any) -> None:
    process, end = other
    before = set(tmp_path.iterdir())
    remove_free_lock(tmp_path / "a")
    assert set(tmp_path.iterdir()) == before  # held
    end.set()
    process.join(60)
    remove_free_lock(tmp_path / "a")
    remove_free_lock(tmp_path / "none" / "such")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_beside_the_folder(tmp_path: Path) -> None:
    with WriteLock(tmp_path / "a", "search"):
        assert (tmp_path / ".a.holder").is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_taken_twice_is_released_twice(tmp_path: Path) -> None:
    locks = FolderLocks("search")
    locks.take(tmp_path / "a")
    locks.take(tmp_path / "a")
    locks.give_back(tmp_path / "a")
    with pytest.raises(InUseError):
        WriteLock(tmp_path / "a", "search").acquire()
    locks.give_back(tmp_path / "a")
    locks.give_back(tmp_path / "a")
    locks.give_back(tmp_path / "never taken")
    with WriteLock(tmp_path / "a", "search"):
        pass


def test_all_locks_are_given_back_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with FolderLocks("search") as locks:
            locks.take(tmp_path / "a")
            locks.take(tmp_path / "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with WriteLock(tmp_path / "a", "search"):
        pass


def test_a_drive_without_locks_gets_a_lock_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    first = WriteLock(tmp_path / "a", "search")
    first.acquire()
    assert (tmp_path / ".a.open").is_file()
    with pytest.raises(InUseError, match="another search writes here since"):
        WriteLock(tmp_path / "a", "search").acquire()
    first.release()
    assert not (tmp_path / ".a.open").exists()
    with WriteLock(tmp_path / "a", "search"):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", '{"task": 1}'])
def test_a_damaged_note_is_no_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "note").write_text(text, encoding="utf-8")
    assert describe_holder(tmp_path / "note") == "another program writes here"


def test_a_note_holds_this_process(tmp_path: Path) -> None:
    write_holder(tmp_path / "note", "export")
    note = read_holder(tmp_path / "note")
    assert (note["process"], note["host"]) == (os.getpid(), socket.gethostname())
    assert describe_holder(tmp_path / "note").startswith("another export writes here since 20")
    write_holder(tmp_path / "none" / "note", "export")  # no error


def test_the_line_about_a_file_advises_another_file(tmp_path: Path, other: Any) -> None:
    with pytest.raises(InUseError, match=r"wait for it, or choose another file$"):
        WriteLock(tmp_path / "a", "training", "file").acquire()


def test_a_process_that_ends_early_gives_all_locks_back(tmp_path: Path) -> None:
    held = [WriteLock(tmp_path / name, "search") for name in "ab"]
    for lock in held:
        lock.acquire()
        lock.acquire()
    give_back_all()
    assert not any(lock.is_held for lock in held)
    assert list(tmp_path.iterdir()) == []
    give_back_all()
