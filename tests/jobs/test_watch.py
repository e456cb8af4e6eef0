"""A folder is searched as it fills."""

from __future__ import annotations

import csv
import json
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from batch_samples import write_stack
from lattice_images import lattice_image
from small_model import write_small_model

from napari_stem_defects.errors import InputError, InUseError
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.results.read_results import read_results, read_summary
from napari_stem_defects.io.results.watch_table import WATCH_TABLE
from napari_stem_defects.jobs import watch as watch_module
from napari_stem_defects.jobs import watched_folder
from napari_stem_defects.jobs.batch import Outcome
from napari_stem_defects.jobs.watch import RUN, WatchOptions, watch
from napari_stem_defects.lattice.geometry import LatticeGeometry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.jobs.batch_frame import Settings


class Session:
    """A watch in which something happens at each look at the folder."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.outcomes: list[Outcome] = []
        self.lines: list[str] = []
        folder.mkdir(exist_ok=True)

    def run(self, *events: Callable[[], object], looks: int = 6) -> None:
        """Run the events one after the other, then look a few times more and stop."""
        pending = list(events)
        left = [looks]

        def is_stopped() -> bool:
            if pending:
                pending.pop(0)()
                return False
            left[0] -= 1
            return left[0] < 0

        options = WatchOptions(0.01, settle_s=0.03, is_stopped=is_stopped, wait=lambda _: wait())
        watch(
            self.folder,
            self.settings,
            options=options,
            show_outcome=self.outcomes.append,
            show_line=self.lines.append,
        )

    def names(self) -> list[str]:
        return [outcome.image.name for outcome in self.outcomes]

    def rows(self) -> list[dict[str, str]]:
        with (self.settings.out / WATCH_TABLE).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def wait() -> None:
    time.sleep(0.05)


def nothing() -> None:
    """Let some time pass."""


@pytest.fixture
def session(tmp_path: Path, settings: Settings) -> Session:
    return Session(tmp_path / "night", settings)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_folder, "RETRIES_S", (0.02, 0.02))


def test_new_files_get_their_results_and_rows(session: Session) -> None:
    write_stack(session.folder / "a.tif", 96, 96)
    session.run(
        nothing,
        lambda: write_stack(session.folder / "b.tif", 2, 96, 96),
        nothing,
        lambda: write_stack(session.folder / "c.part.tif", 96, 96),
        nothing,
        lambda: (session.folder / "c.part.tif").rename(session.folder / "c.tif"),
    )
    assert session.names() == ["a.tif", "b.tif", "c.tif"]
    for outcome in session.outcomes:
        assert outcome.folder is not None
        assert read_results(outcome.folder)
    assert [row["image"] for row in session.rows()] == ["a.tif", "b.tif", "c.tif"]
    assert [row["frames"] for row in session.rows()] == ["1", "2", "1"]


def test_a_restart_searches_only_what_is_new(session: Session) -> None:
    for name in ("a.tif", "b.tif"):
        write_stack(session.folder / name, 96, 96)
    session.run()
    times = {p: p.stat().st_mtime_ns for p in session.settings.out.glob("*/summary.json")}
    again = Session(session.folder, session.settings)
    write_stack(session.folder / "c.tif", 96, 96)
    again.run()
    assert again.names() == ["c.tif"]
    assert "2 files are finished already" in again.lines
    assert [row["image"] for row in again.rows()] == ["a.tif", "b.tif", "c.tif"]
    assert all(path.stat().st_mtime_ns == at for path, at in times.items())


def test_a_file_that_is_in_the_table_when_ctrl_c_comes_is_stated(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(out: Path, rows: Sequence[Any]) -> None:
        append_rows(out, rows)
        raise KeyboardInterrupt

    append_rows = watch_module.append_rows
    monkeypatch.setattr(watch_module, "append_rows", record)
    with pytest.raises(KeyboardInterrupt):
        session.run(lambda: write_stack(session.folder / "a.tif", 96, 96))
    assert session.names() == ["a.tif"]
    assert {row["image"] for row in session.rows()} == {"a.tif"}


def test_a_half_written_file_is_searched_when_it_is_whole(session: Session) -> None:
    path = session.folder / "a.tif"
    write_stack(path, 96, 96)
    content = path.read_bytes()
    path.write_bytes(content[:3000])
    session.run(*[nothing] * 5, lambda: path.write_bytes(content), looks=8)
    last = session.outcomes[-1]
    assert last.folder is not None
    assert np.array_equal(tifffile.imread(path).shape, read_results(last.folder)[0].masks.shape[1:])
    rows = [row for row in session.rows() if not row["fault"]]
    assert len(rows) == 1


def test_a_damaged_file_is_named_once_and_stops_nothing(session: Session) -> None:
    (session.folder / "a.tif").write_bytes(b"II*\0 and no more")
    write_stack(session.folder / "b.tif", 96, 96)
    session.run(looks=15)
    faults = [outcome.fault for outcome in session.outcomes if outcome.fault]
    assert len(faults) == 1
    assert "a.tif" in faults[0]
    assert "b.tif" in session.names()
    assert [row["image"] for row in session.rows() if row["fault"]] == ["a.tif"]


def test_an_internal_error_with_one_file_stops_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = watch_module.detect_files

    def failing(images: Sequence[Path], *rest: Any, **options: Any) -> Any:
        if images[0].name == "a.tif":
            raise ZeroDivisionError("division by zero")
        return search(images, *rest, **options)

    monkeypatch.setattr(watch_module, "detect_files", failing)
    for name in ("a", "b"):
        write_stack(session.folder / f"{name}.tif", 96, 96)
    session.run(nothing, nothing, nothing, nothing, looks=10)
    faults = {outcome.image.name: outcome.fault for outcome in session.outcomes}
    assert faults["a.tif"].startswith("a.tif: internal error: ZeroDivisionError")
    assert not faults["b.tif"]


def test_a_file_recorded_again_replaces_its_results(session: Session) -> None:
    path = session.folder / "a.tif"
    write_stack(path, 96, 96)
    session.run(*[nothing] * 5, lambda: write_stack(path, 96, 128), looks=30)
    assert session.names() == ["a.tif", "a.tif"]
    (folder,) = (p for p in session.settings.out.iterdir() if p.is_dir() and p.name[0] != ".")
    assert read_summary(folder)["image"]["frame_shape"] == [96, 128]
    assert len(session.rows()) == 2


def test_results_corrected_by_hand_are_kept_when_a_file_is_recorded_again(
    session: Session,
) -> None:
    path = session.folder / "a.tif"
    write_stack(path, 96, 96)
    session.run()
    table = session.settings.out / "a" / "regions.csv"
    table.write_text(table.read_text(encoding="utf-8") + "mine\n", encoding="utf-8")
    write_stack(path, 96, 128)
    session.run(looks=30)
    assert table.read_text(encoding="utf-8").endswith("mine\n")
    assert (session.settings.out / "a_2" / "summary.json").is_file()


def test_a_file_that_changes_while_it_is_searched_is_searched_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session.folder / "a.tif"
    write_stack(path, 96, 96)
    real, calls = watch_module.detect_files, []

    def changing(images: Sequence[Path], *more: Any, **options: Any) -> Any:
        yield from real(images, *more, **options)
        calls.append(images)
        if len(calls) == 1:
            write_stack(path, 96, 128)

    def first_of(*arguments: Any, **options: Any) -> Any:
        return iter(list(changing(*arguments, **options)))

    monkeypatch.setattr(watch_module, "detect_files", first_of)
    session.run(looks=10)
    assert len(calls) == 2
    assert len(session.outcomes) == 1
    assert read_summary(session.settings.out / "a")["image"]["frame_shape"] == [96, 128]
    assert not (session.settings.out / "a_2").exists()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_that_is_moved_away_while_it_is_searched_is_stated(
    session: Session, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Programs of microscopes and users move files into an archive."""
    write_stack(session.folder / "a.tif", 96, 96)
    real = watch_module.detect_files

    def moving(images: Sequence[Path], *more: Any, **options: Any) -> Any:
        (path,) = images
        if when == "before":
            path.unlink()
        found = list(real(images, *more, **options))
        path.unlink(missing_ok=True)
        return iter(found)

    monkeypatch.setattr(watch_module, "detect_files", moving)
    session.run(looks=10)
    if when == "after":
        assert session.names() == [row["image"] for row in session.rows()] == ["a.tif"]
        assert read_results(session.settings.out / "a")
    else:
        assert session.lines.count("a.tif was removed before it was searched") == 1
        assert not session.outcomes


@pytest.mark.parametrize("what", ["input", "output"])
def test_drives_may_vanish_for_a_while(session: Session, tmp_path: Path, what: str) -> None:
    write_stack(session.folder / "a.tif", 96, 96)
    place = session.folder if what == "input" else session.settings.out
    away = tmp_path / "away"

    def vanish() -> None:
        shutil.move(place, away)
        target = away if what == "input" else session.folder
        write_stack(target / "b.tif", 96, 96)

    session.run(
        *[nothing] * 5,
        vanish,
        *[nothing] * 5,
        lambda: shutil.move(away, place),
        looks=8,
    )
    assert session.names() == ["a.tif", "b.tif"]
    waiting = [line for line in session.lines if "waiting" in line]
    assert len(waiting) == 1
    assert "the drive is back" in session.lines
    assert [row["image"] for row in session.rows()] == ["a.tif", "b.tif"]


def test_the_model_is_chosen_once(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    geometry = LatticeGeometry(90.0)
    write_small_model(folder / "small.safetensors", lattice_geometry=geometry)
    monkeypatch.setattr(library_module, "user_folder", lambda: folder)
    monkeypatch.setattr(library_module, "BUNDLED", tmp_path)
    session.settings = replace(session.settings, model=None)
    crystal = lattice_image(12, 1, 90, size=192)
    write_stack(session.folder / "1-noise.tif", 96, 96)
    tifffile.imwrite(session.folder / "2-crystal.tif", crystal)
    write_stack(session.folder / "3-noise.tif", 96, 96)
    session.run(looks=8)
    models = [row["model"] for row in session.rows()]
    assert models[0] not in ("", "small")  # no lattice, no model
    assert models[-2:] == ["small", "small"]
    assert any("2-crystal.tif has chosen the model" in line for line in session.lines)
    again = Session(session.folder, session.settings)
    write_stack(session.folder / "4-noise.tif", 96, 96)
    again.run()
    assert again.lines[0] == "continuing with the model small"
    assert again.rows()[-1]["model"] == "small"


def test_a_run_with_other_settings_or_another_model_is_refused(
    session: Session, tmp_path: Path
) -> None:
    session.run()
    session.settings = replace(session.settings, stride=16)
    with pytest.raises(InputError, match="belongs to a run with stride 32, not 16"):
        session.run()
    other = write_small_model(tmp_path / "other.safetensors", ("Bulk", "SF2", "LC"))
    session.settings = replace(session.settings, stride=32, model=other)
    with pytest.raises(InputError, match="belongs to a run with the model small"):
        session.run()
    kept = json.loads((session.settings.out / RUN).read_text(encoding="utf-8"))
    kept["model"] = {"name": "gone", "sha256": "0" * 64, "path": str(tmp_path / "gone")}
    (session.settings.out / RUN).write_text(json.dumps(kept), encoding="utf-8")
    session.settings = replace(session.settings, model=None)
    with pytest.raises(InputError, match="the model gone, which is gone"):
        session.run()


def test_of_files_with_several_signals_the_chosen_one_is_searched(session: Session) -> None:
    rng = np.random.default_rng(0)
    haadf, bright = (rng.normal(100, 10, (96, 96)).astype(np.float32) for _ in range(2))
    np.savez(session.folder / "a.npz", HAADF=haadf, bright=bright)
    session.settings = replace(session.settings, signal="bright")
    session.run()
    (outcome,) = session.outcomes
    assert outcome.folder is not None
    assert read_summary(outcome.folder)["image"]["signal"] == "bright"
    session.settings = replace(session.settings, signal=None)
    with pytest.raises(InputError, match="belongs to a run with signal bright, not None"):
        session.run()


def test_a_run_stored_before_signals_could_be_chosen_continues(session: Session) -> None:
    session.run()
    path = session.settings.out / RUN
    kept = json.loads(path.read_text(encoding="utf-8"))
    del kept["settings"]["signal"]
    path.write_text(json.dumps(kept), encoding="utf-8")
    session.run()


def test_two_programs_do_not_watch_into_one_folder(session: Session) -> None:
    def start_another() -> None:
        with pytest.raises(InUseError):
            Session(session.folder, session.settings).run()

    session.run(start_another)


def test_a_folder_that_does_not_exist_is_one_line(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(InputError, match="is no folder"):
        watch(tmp_path / "none", settings)
