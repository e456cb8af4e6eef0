"""Detection in every new file of a folder, as soon as it is complete.

The frames are searched by `batch.detect_files`; a finished file has rows in ``watch.csv``. Model
and settings hold for the whole run, restarts included, and are stored in ``watch.json``.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.internal_fault import internal_fault
from napari_stem_defects.base.progress import Cancelled, ProgressCallback, silent
from napari_stem_defects.detection.nothing_fits import NO_MODEL
from napari_stem_defects.errors import InputError, InUseError, ModelError, OutputError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.io.models.model_file import read_spec
from napari_stem_defects.io.results.checksums import find_edited_file
from napari_stem_defects.io.results.json_file import read_json_or_empty, write_json
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.summary import CORRECTIONS
from napari_stem_defects.io.results.watch_table import (
    append_rows,
    fault_row,
    finished_images,
    remove_torn_row,
    result_rows,
)
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.jobs.batch import Outcome, detect_files
from napari_stem_defects.jobs.batch_frame import Settings, read_once
from napari_stem_defects.jobs.executors import HERE, Workers
from napari_stem_defects.jobs.watched_folder import SETTLE_S, Stamp, WatchedFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RUN = "watch.json"
"""File in the folder of the results that holds the model and the settings of the run."""
_SETTINGS = ("stride", "pixel_size_nm", "thresholds", "contrast", "signal", "frames", "area")


@dataclass(frozen=True)
class WatchOptions:
    """How a folder is watched.

    Attributes
    ----------
    interval_s : float
        Time between two looks at the folder, s.
    settle_s : float
        How long a file must stay the same to be complete, s.
    is_stopped : callable
        Called between files and looks; the watch ends when it returns True.
    wait : callable
        Waits for a time in s.
    """

    interval_s: float = 0.5
    settle_s: float = SETTLE_S
    is_stopped: Callable[[], bool] = lambda: False
    wait: Callable[[float], None] = time.sleep


def watch(
    folder: Path,
    settings: Settings,
    *,
    options: WatchOptions | None = None,
    workers: Workers = HERE,
    show_outcome: Callable[[Outcome], None] = lambda _: None,
    show_line: Callable[[str], None] = lambda _: None,
    report: ProgressCallback = silent,
) -> None:
    """Search every new file of a folder until stopped.

    Parameters
    ----------
    folder : Path
        Files that are in it at the beginning are searched, too, unless they are finished.
    settings : Settings
        ``model`` None chooses the model by the first image whose lattice fits one; it is kept for
        the run.
    options : WatchOptions, optional
    workers : Workers
        Where frames are searched.
    show_outcome : callable
        Called with the outcome of each file.
    show_line : callable
        Called with one line: the model chosen, a drive that is away or back.
    report : callable
        Called with the progress of a file.

    Raises
    ------
    InputError
        The folder does not exist, or the folder of the results belongs to a run with another
        model or other settings.
    InUseError
        Another program watches into this folder of results.
    ModelError
        The model cannot be used.
    OutputError
        The folder of the results cannot be written at the beginning.
    """
    if not folder.is_dir():
        raise InputError(one_line(folder, "is no folder", "name the folder the microscope fills"))
    with WriteLock(settings.out / RUN, "watch", "folder"):
        run = _Run(folder, settings, options or WatchOptions(), workers, report)
        run.show_outcome, run.show_line = show_outcome, show_line
        run.begin()
        run.loop()


class _Run:
    """One run: the folder, its settings and what is finished."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        options: WatchOptions,
        workers: Workers,
        report: ProgressCallback,
    ) -> None:
        self._folder, self._settings, self._options = folder, settings, options
        self._workers, self._report = workers, report
        self._stored = _stored_settings(settings, folder)
        self._away = ""
        self.show_outcome: Callable[[Outcome], None] = lambda _: None
        self.show_line: Callable[[str], None] = lambda _: None

    def begin(self) -> None:
        """Continue the run stored in the folder of the results, or begin one."""
        out = self._settings.out
        known = read_json_or_empty(out / RUN)
        if known:
            self._compare(known)
            if self._settings.model is None and known.get("model"):
                self._settings = replace(self._settings, model=_model_of(known, out))
                self.show_line(f"continuing with the model {known['model']['name']}")
        self._store()
        remove_torn_row(out)
        done = finished_images(out)
        if done:
            self.show_line(f"{len(done)} files are finished already")
        self._folders = {name: out / folder for name, (_, folder) in done.items()}
        finished = {name: Stamp(*stamp) for name, (stamp, _) in done.items()}
        self._watched = WatchedFolder(self._folder, finished, settle_s=self._options.settle_s)

    def loop(self) -> None:
        """Look, search, wait."""
        while not self._options.is_stopped():
            try:
                complete = self._watched.poll()
                if complete and not (self._settings.out / RUN).is_file():
                    raise OutputError(f"{self._settings.out}: is away; waiting for it")
            except OSError as error:
                self._wait_for(f"{self._folder}: cannot be listed ({error.strerror or error})")
                continue
            except OutputError as error:
                self._wait_for(str(error))
                continue
            if self._search(complete):
                self._options.wait(self._options.interval_s)

    def _wait_for(self, line: str) -> None:
        """State once that a drive is away."""
        if line != self._away:
            self.show_line(f"{line}; waiting")
        self._away = line
        self._options.wait(max(1.0, self._options.interval_s))

    def _search(self, complete: list[tuple[Path, Stamp]]) -> bool:
        """Search complete files one after the other; return whether to wait as usual."""
        if self._away:
            self.show_line("the drive is back")
            self._away = ""
        for path, stamp in complete:
            if self._options.is_stopped():
                return True
            try:
                self._search_one(path, stamp)
            except OutputError as error:
                self._wait_for(str(error))
                return False
        return True

    def _search_one(self, path: Path, stamp: Stamp) -> None:
        self._discard_superseded(path.name)
        read_once.cache_clear()  # the file may have changed under its name
        try:
            outcome = next(
                detect_files([path], self._settings, workers=self._workers, report=self._report)
            )
        except (InputError, Cancelled):
            raise
        except Exception as error:  # with this image: the next ones go on
            outcome = Outcome(path, fault=internal_fault(path.name, error))
        now = self._watched.stamp(path)
        if now is not None and now != stamp:  # it was written meanwhile: found again
            if outcome.folder is not None:
                _remove_results(outcome.folder)
            return
        if now is None and outcome.folder is None:
            if self._folder.is_dir():  # its drive is not away
                self.show_line(f"{path.name} was removed before it was searched")
            return
        if outcome.folder is None and self._watched.retry(path.name):
            return
        try:
            self._record(path, stamp, outcome)
        except KeyboardInterrupt:  # the file is searched, and may be in the table already
            self.show_outcome(outcome)
            raise
        self.show_outcome(outcome)

    def _record(self, path: Path, stamp: Stamp, outcome: Outcome) -> None:
        """Write what was found, or the fault, into the table."""
        if outcome.folder is None:
            append_rows(self._settings.out, [fault_row(path.name, stamp, outcome.fault)])
        else:
            summary = read_summary(outcome.folder)
            self._keep_model(path, summary)
            rows = result_rows(path.name, stamp, outcome.folder.name, summary)
            append_rows(self._settings.out, rows)
            self._folders[path.name] = outcome.folder
        self._watched.finish(path.name, stamp)

    def _keep_model(self, path: Path, summary: Mapping[str, Any]) -> None:
        """Keep the model that was chosen for the first image, for the whole run."""
        model = summary["model"]
        if self._settings.model is not None or model["name"] == NO_MODEL:
            return
        chosen = next(
            (entry.path for entry in list_models() if read_spec(entry.path)[1] == model["sha256"]),
            None,
        )
        if chosen is not None:
            self._settings = replace(self._settings, model=chosen)
            self._store()
            self.show_line(f"{path.name} has chosen the model of this run: {model['name']}")

    def _discard_superseded(self, name: str) -> None:
        """Remove the results of earlier content under a name, unless they were edited by hand."""
        folder = self._folders.pop(name, None)
        if folder is not None:
            _remove_results(folder)

    def _compare(self, known: Mapping[str, Any]) -> None:
        """Refuse to continue a run with another model or other settings."""
        out = self._settings.out
        advice = "choose another --out, or the settings of the run"
        for name in (*_SETTINGS, "folder"):
            before, now = known.get("settings", {}).get(name), self._stored["settings"][name]
            if before != now:
                fault = f"belongs to a run with {name} {before}, not {now}"
                raise InputError(one_line(out, fault, advice))
        before = (known.get("model") or {}).get("sha256")
        if before and self._settings.model is not None:
            spec, sha256 = read_spec(self._settings.model)
            if sha256 != before:
                fault = f"belongs to a run with the model {known['model']['name']}, not {spec.name}"
                raise InputError(one_line(out, fault, advice))

    def _store(self) -> None:
        model = None
        if self._settings.model is not None:
            spec, sha256 = read_spec(self._settings.model)
            model = {"name": spec.name, "sha256": sha256, "path": str(self._settings.model)}
        write_json(self._settings.out / RUN, {**self._stored, "model": model})


def _stored_settings(settings: Settings, folder: Path) -> dict[str, Any]:
    area = settings.area
    values = {name: getattr(settings, name) for name in _SETTINGS}
    values["area"] = None if area is None else area.to_json()
    stored: dict[str, Any] = {"settings": plain({**values, "folder": str(folder)})}
    return stored


def _remove_results(folder: Path) -> None:
    """Remove a result folder, unless it was edited or corrected by hand or is being written."""
    summary = read_json_or_empty(folder / SUMMARY)
    with suppress(OSError, InUseError):
        if not summary.get(CORRECTIONS) and not find_edited_file(summary, SUMMARY, folder):
            with WriteLock(folder, "watch"):
                shutil.rmtree(folder)


def _model_of(known: Mapping[str, Any], out: Path) -> Path:
    """Return the model of a stored run, wherever it is now."""
    model = known["model"]
    for path in (Path(model["path"]), *(entry.path for entry in list_models())):
        with suppress(ModelError, OSError):
            if read_spec(path)[1] == model["sha256"]:
                return path
    fault = f"belongs to a run with the model {model['name']}, which is gone"
    raise InputError(one_line(out, fault, "give its file with --model, or choose another --out"))
