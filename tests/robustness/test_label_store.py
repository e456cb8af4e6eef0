"""What is labelled stays labelled: crashes, full disks, two processes, many labels."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels.journal import JOURNAL_NAME
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.labels.label import Label, NewLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITER = Path(__file__).with_name("label_writer.py")
SHARER = Path(__file__).with_name("label_sharer.py")
IMAGE = Micrograph(np.arange(6400, dtype=np.float32).reshape(64, 100), "a", sha256="ab" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with LabelProject.create(tmp_path / "mine", ["SF1"]) as project:
        project.add_image(IMAGE)
    return tmp_path / "mine"


class LabelStore(RuleBasedStateMachine):
    """Random work on a project, with crashes and reopenings, beside a plain model of it."""

    names = st.sampled_from(["Bulk", "SF1", "SF2", "LC", "new"])
    coordinates = st.floats(0, 63)

    @initialize()
    def create(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.path = self.root / "project"
        self.project = LabelProject.create(self.path, ["Bulk", "SF1"])
        self.image = self.project.add_image(IMAGE)
        self.labels: dict[str, Label] = {}
        self.classes = {"Bulk", "SF1"}
        self.past: list[tuple[dict[str, Label], set[str]]] = []
        self.future: list[tuple[dict[str, Label], set[str]]] = []

    def teardown(self) -> None:
        if hasattr(self, "project"):
            self.project.close()
            shutil.rmtree(self.root)

    def snapshot(self) -> tuple[dict[str, Label], set[str]]:
        return dict(self.labels), set(self.classes)

    def step(self) -> None:
        self.past.append(self.snapshot())
        self.future.clear()

    def pick(self, number: int) -> str:
        return sorted(self.labels)[number % len(self.labels)]

    @rule(y=coordinates, x=coordinates, name=names)
    def add(self, y: float, x: float, name: str) -> None:
        self.step()
        label = self.project.add(self.image, y, x, name)
        assert (label.y, label.x, label.class_name) == (y, x, name)
        self.labels[label.id] = label
        self.classes.add(name)

    @rule(points=st.lists(st.tuples(coordinates, coordinates, names), min_size=1, max_size=5))
    def add_many(self, points: list[tuple[float, float, str]]) -> None:
        self.step()
        for label in self.project.add_many(NewLabel(self.image, *point) for point in points):
            self.labels[label.id] = label
            self.classes.add(label.class_name)

    @precondition(lambda self: self.labels)
    @rule(number=st.integers(0), y=coordinates, x=coordinates)
    def move(self, number: int, y: float, x: float) -> None:
        self.step()
        label = self.project.move(self.pick(number), y, x)
        assert replace(label, at="") == replace(self.labels[label.id], y=y, x=x, at="")
        self.labels[label.id] = label

    @precondition(lambda self: self.labels)
    @rule(number=st.integers(0), name=names)
    def reclass(self, number: int, name: str) -> None:
        self.step()
        label = self.project.change_class(self.pick(number), name)
        assert label.class_name == name
        self.labels[label.id] = label
        self.classes.add(name)

    @precondition(lambda self: self.labels)
    @rule(number=st.integers(0))
    def remove(self, number: int) -> None:
        self.step()
        gone = self.pick(number)
        self.project.remove(gone)
        del self.labels[gone]

    @rule(names=st.lists(names, min_size=1, max_size=3), into=names)
    def merge(self, names: list[str], into: str) -> None:
        before = self.snapshot()
        if not {*names, into} <= self.classes:
            with pytest.raises(LabelError, match="there is no class"):
                self.project.merge_classes(names, into)
            return
        self.project.merge_classes(names, into)
        if set(names) == {into}:
            return
        self.past.append(before)
        self.future.clear()
        self.classes -= set(names) - {into}
        self.rename(dict.fromkeys(names, into))

    @rule(name=names, to=names)
    def rename_class(self, name: str, to: str) -> None:
        if name not in self.classes or to in self.classes:
            with pytest.raises(LabelError):
                self.project.rename_class(name, to)
            return
        self.step()
        self.project.rename_class(name, to)
        self.classes = self.classes - {name} | {to}
        self.rename({name: to})

    def rename(self, new: dict[str, str]) -> None:
        self.labels = {
            key: replace(label, class_name=new.get(label.class_name, label.class_name))
            for key, label in self.labels.items()
        }

    @rule()
    def undo(self) -> None:
        assert self.project.undo() == bool(self.past)
        if self.past:
            self.future.append(self.snapshot())
            self.labels, self.classes = self.past.pop()

    @rule()
    def redo(self) -> None:
        assert self.project.redo() == bool(self.future)
        if self.future:
            self.past.append(self.snapshot())
            self.labels, self.classes = self.future.pop()

    @rule()
    def compact(self) -> None:
        self.project.compact()

    @rule(torn=st.binary(max_size=30).filter(lambda tail: b"\n" not in tail))
    def crash_and_reopen(self, torn: bytes) -> None:
        """Leave half a line behind, as a process that dies while it writes."""
        self.project.close()
        with (self.path / JOURNAL_NAME).open("ab") as file:
            file.write(torn)
        self.project = LabelProject.open(self.path)
        assert len(self.project.warnings) == bool(torn)
        self.past.clear()
        self.future.clear()

    @invariant()
    def memory_and_disk_agree_with_the_model(self) -> None:
        if not hasattr(self, "project"):
            return
        on_disk = LabelProject.open(self.path, read_only=True)
        for project in (self.project, on_disk):
            assert {label.id: label for label in project.labels()} == self.labels
            assert {entry.name for entry in project.classes} == self.classes
        assert on_disk.classes == self.project.classes


@pytest.mark.parametrize(
    "examples", [25, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)
def test_the_store_agrees_with_a_plain_model(examples: int) -> None:
    run_state_machine_as_test(
        LabelStore,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


class Writer:
    """A process that labels until it is killed."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(WRITER), str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.mode = self._output.readline().strip()

    def kill(self) -> list[tuple[str, str]]:
        """Kill it and return what it said: see `label_writer` for the signs."""
        self._process.kill()
        lines = self._output.read().splitlines(keepends=True)
        self._output.close()
        self._process.wait()
        return [(line[0], line[2:-1]) for line in lines if line.endswith("\n")]


def replay(said: list[tuple[str, str]], alive: set[str]) -> set[str]:
    """Return the labels that must be there after what a writer said, those in doubt left out."""
    for sign, label in said:
        alive = alive | {label} if sign == "+" else alive - {label}
    return alive


def found_beyond(project: LabelProject, must: set[str]) -> set[str]:
    """Check that every acknowledged label is there; return what the last moment added."""
    found = {label.id for label in project.labels()}
    assert must <= found
    assert len(found - must) <= 1
    return found - must


@pytest.mark.parametrize(
    "kills", [10, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_a_killed_process_loses_nothing_it_saved(folder: Path, kills: int) -> None:
    """Kill the writer at random moments."""
    chance = random.Random(7)
    alive: set[str] = set()
    acknowledged = beyond = torn = 0
    for _ in range(kills):
        writer = Writer(folder)
        assert writer.mode == "writing"
        time.sleep(chance.uniform(0, 0.3))
        said = writer.kill()
        acknowledged += sum(sign != "?" for sign, _ in said)
        alive = replay(said, alive)
        with LabelProject.open(folder) as project:
            assert not project.read_only
            extra = found_beyond(project, alive)
            alive |= extra
            beyond += len(extra)
            assert len(project.warnings) <= 1
            torn += len(project.warnings)
    print(f"{acknowledged} acknowledged, 0 lost, {beyond} saved beyond, {torn} torn tails")
    assert acknowledged > 0


def test_of_two_processes_one_writes_and_none_loses(folder: Path) -> None:
    first, second = Writer(folder), Writer(folder)
    assert (first.mode, second.mode) == ("writing", "read-only")
    assert second.kill() == []
    alive = replay(first.kill(), set())
    with LabelProject.open(folder) as project:
        assert not project.read_only
        assert alive
        found_beyond(project, alive)


@pytest.mark.parametrize(
    "each", [20, pytest.param(500, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
def test_two_processes_that_label_lose_nothing(folder: Path, each: int) -> None:
    """Both want the project all the time: one gets it, the other waits its turn."""
    command = [sys.executable, str(SHARER), str(folder), str(each)]
    processes = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    said = [process.communicate(timeout=500)[0].split() for process in processes]
    assert [len(labels) for labels in said] == [each, each]
    with LabelProject.open(folder) as project:
        assert project.warnings == ()
        assert {label.id for label in project.labels()} == set(said[0]) | set(said[1])
        assert len(project.labels()) == 2 * each
    print(f"2 processes, {2 * each} labels, 0 lost")


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def labelled(folder: Path) -> Iterator[LabelProject]:
    with LabelProject.open(folder) as project:
        project.add(IMAGE.sha256, 1, 2, "SF1")
        yield project


def test_a_full_disk_costs_only_the_new_label(
    labelled: LabelProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = labelled.path / JOURNAL_NAME
    before, labels = journal.read_bytes(), labelled.labels()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for change in (
            lambda: labelled.add(IMAGE.sha256, 3, 4, "SF1"),
            lambda: labelled.remove(labels[0].id),
            lambda: labelled.add_class("LC"),
            lambda: labelled.add_image(replace(IMAGE, sha256="cd" * 32)),
            labelled.undo,
            labelled.compact,
        ):
            with pytest.raises(OutputError, match="No space left") as caught:
                change()
            assert "\n" not in str(caught.value)
            assert journal.read_bytes() == before
            assert labelled.labels() == labels
    labelled.add(IMAGE.sha256, 3, 4, "SF1")
    assert LabelProject.open(labelled.path, read_only=True).labels() == labelled.labels()
    assert not list(labelled.path.rglob("*part*"))


def test_half_a_written_line_is_taken_back(
    labelled: LabelProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up in the middle of a line."""
    journal = labelled.path / JOURNAL_NAME
    before = journal.read_bytes()

    def half(descriptor: int) -> None:
        os.truncate(journal, len(before) + 20)
        full()

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", half)
        with pytest.raises(OutputError):
            labelled.add(IMAGE.sha256, 3, 4, "SF1")
    assert journal.read_bytes() == before
    labelled.add(IMAGE.sha256, 3, 4, "SF1")
    with LabelProject.open(labelled.path, read_only=True) as again:
        assert again.labels() == labelled.labels()
        assert again.warnings == ()


@pytest.mark.parametrize("limit_s", [10, pytest.param(1, marks=pytest.mark.long)])
def test_ten_thousand_labels_open_quickly(folder: Path, limit_s: float) -> None:
    with LabelProject.open(folder) as project:
        project.add_many(NewLabel(IMAGE.sha256, n % 64, n % 100, "SF1") for n in range(10_000))
        labels = project.labels()
    times = []
    for _ in range(3):  # something else may hold one of them up
        start = time.perf_counter()
        with LabelProject.open(folder) as project:
            times.append(time.perf_counter() - start)
            assert project.labels() == labels
    print(f"10,000 labels reopened in {min(times):.2f} s")
    assert min(times) < limit_s


@pytest.mark.long
def test_a_disk_that_is_really_full(little_disk: Path) -> None:
    """Label until the disk is full, make room, go on."""
    blocker = little_disk / "blocker"
    with LabelProject.create(little_disk / "mine", ["SF1"]) as project:
        image = project.add_image(IMAGE)
        blocker.write_bytes(bytes(1_950_000))
        labels, lines = [], []
        for round_ in range(3):
            while len(lines) == round_:
                try:
                    labels.append(project.add(image, 1, 2, "SF1"))
                except OutputError as error:
                    lines.append(str(error))
            on_disk = LabelProject.open(project.path, read_only=True)
            assert on_disk.labels() == project.labels() == tuple(labels)
            assert on_disk.warnings == ()
            blocker.write_bytes(bytes(1_850_000 - 100_000 * round_))
        labels.append(project.add(image, 1, 2, "SF1"))
    assert all("No space left" in line and "\n" not in line for line in lines)
    with LabelProject.open(little_disk / "mine") as again:
        assert again.labels() == tuple(labels)
    print(f"full 3 times, {len(labels)} labels, 0 lost")


NO_LOCKS = [
    OSError(errno.EOPNOTSUPP, "Operation not supported"),
    OSError(errno.ENOLCK, "No locks available"),
    NotImplementedError("no flock here"),
]


@pytest.mark.parametrize("error", NO_LOCKS, ids=lambda error: type(error).__name__)
def test_a_drive_without_locks_lets_one_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(self: FileLock) -> None:
        raise error

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    with LabelProject.open(folder) as project, LabelProject.open(folder) as second:
        project.add(IMAGE.sha256, 1, 2, "SF1")
        assert second.read_only
        assert "another panel" in second.warnings[0]
        assert "labels.open" in second.warnings[0]
    with LabelProject.open(folder) as project:
        assert not project.read_only
        assert len(project.labels()) == 1


def test_a_project_of_version_1_still_opens(tmp_path: Path) -> None:
    """The bytes that version 0.1 wrote; they must be readable for ever."""
    (tmp_path / JOURNAL_NAME).write_bytes(Path(__file__).with_name("labels_v1.jsonl").read_bytes())
    with LabelProject.open(tmp_path) as project:
        assert project.warnings == ()
        assert not project.read_only
        (label,) = project.labels()
        assert (label.y, label.x, label.class_name, label.frame) == (10.25, 20.5, "matrix", 3)
        assert (label.author, label.source) == ("ada", "hand")
        assert [(entry.name, entry.colour, entry.key) for entry in project.classes] == [
            ("SF1", "#e69f00", 1),
            ("matrix", "#9aa0a6", 2),
        ]
        (frame,) = project.frames
        assert (frame.name, frame.height, frame.width, frame.pixel_size_nm) == ("a", 64, 100, 0.02)
