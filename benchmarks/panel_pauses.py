"""How long napari pauses while the panels work: ``python benchmarks/panel_pauses.py FIGURES.json``.

Drives the four panels on a simulated micrograph with mouse and key events and measures how
long napari's event loop stands still: by the clock, and in computing time of its thread, which
other work on the machine does not stretch. With ``--patches FOLDER`` the members of that patch
folder are trained in the panel as well, with its default settings.

Needs a display; without one put ``xvfb-run -a -s "-screen 0 1600x1000x24"`` in front.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
import psutil
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QFileDialog, QWidget

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from events import canvas_of, click, data_to_pixel, drag, hover
from panels import Heartbeat, docked, press, wait_for

from napari_stem_defects.io.labels.exchange import labels_export
from napari_stem_defects.io.models import library
from napari_stem_defects.napari_plugin.panels.common import settings as settings_module
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.detect.threshold_slider import STEPS, ThresholdSlider
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.napari_plugin.panels.label.start_classes import START_CLASSES
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.workers import pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

EDGE_PX = 1024
LABELS, TRAINED = 1000, 120


class Pauses:
    """Collects the longest pause of each job."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def measure(self, job: str, work: Callable[[], object]) -> None:
        """Do the work and note the longest pause meanwhile and shortly afterwards."""
        beat = Heartbeat()
        started = time.monotonic()
        work()
        QTest.qWait(300)
        row = {
            "job": job,
            "seconds": round(time.monotonic() - started - 0.3, 2),
            "longest_gap_ms": round(1e3 * beat.longest_s),
            "longest_computing_ms": round(1e3 * beat.longest_busy_s),
        }
        self.rows.append(row)
        print(row, flush=True)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        library.user_folder = lambda: folder / "models"
        kept = SimpleNamespace(**{name: SimpleNamespace() for name in settings_module.CATEGORIES})
        settings_module._all = lambda: kept
        figures = measured(folder, options.patches)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(json.dumps(figures, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("--patches", type=Path, help="patch folder to train on")
    return parser.parse_args()


def measured(folder: Path, patches: Path | None) -> dict[str, Any]:
    truth = simulate("cdte-110", size=EDGE_PX)
    project = folder / "labels"
    _label(project, truth, LABELS)
    labels_export(project, folder / "patches")
    _label(folder / "few labels", truth, TRAINED)
    labels_export(folder / "few labels", folder / "few patches")
    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    nm = truth.micrograph.pixel_size_nm
    viewer.add_image(truth.micrograph.pixels, name="cdte", scale=(nm, nm), units=("nm", "nm"))
    QTest.qWait(500)
    pauses = Pauses()
    seconds = preprocess(viewer, pauses)
    label(viewer, pauses, project, folder)
    train(viewer, pauses, folder / "few patches")
    detect(viewer, pauses)
    figures = {
        "edge_px": EDGE_PX,
        "load": psutil.getloadavg()[0],
        "cores": psutil.cpu_count(),
        "mouse_to_picture_ms": (1e3 * np.median(seconds, axis=0)).round().tolist(),
        "jobs": pauses.rows,
    }
    if patches is not None:
        figures["training"] = train_members(viewer, patches)
    viewer.close()
    return figures


def _label(project: Path, truth: Any, count: int) -> None:
    model, rng = LabelViewModel(), np.random.default_rng(0)
    model.create(project, START_CLASSES["CdTe"])
    places = rng.uniform(40, EDGE_PX - 40, (count, 2)).tolist()
    most = 7 * count // 10
    for name, some in (("Bulk", places[:most]), ("SF1", places[most:])):
        model.add_labels(truth.micrograph, 0, [tuple(place) for place in some], name)
    model.close()


def preprocess(viewer: Any, pauses: Pauses) -> list[tuple[float, ...]]:
    """Measure the panel Preprocess.

    Returns the seconds from mouse to picture, by the clock and of computing.
    """
    widget = docked(viewer, PreprocessWidget)
    wait_for(lambda: widget.view_model.lattice is not None)
    canvas, image = canvas_of(viewer), viewer.layers[0]

    def show() -> None:
        press(widget, "run")
        wait_for(lambda: len(viewer.layers) == 6 and not widget._drawing.isActive())

    pauses.measure("Preprocess: show stages", show)

    def slide() -> None:
        slider = widget.findChild(QWidget, "smoothing_px")
        for value in np.linspace(0.5, 3, 40):
            slider.setValue(value)
            QTest.qWait(40)
        wait_for(lambda: not widget._drawing.isActive())

    pauses.measure("Preprocess: a slider is moved", slide)
    seconds: list[tuple[float, ...]] = []
    painted: list[tuple[float, float]] = []
    paint = widget.thumbnails.paintEvent

    def painting(event: Any) -> None:
        paint(event)
        painted.append((time.perf_counter(), time.thread_time()))

    widget.thumbnails.paintEvent = painting

    def follow() -> None:
        for x in range(100, 900, 20):
            spot = data_to_pixel(canvas, image, 500, x)
            count, started = len(painted), (time.perf_counter(), time.thread_time())
            hover(canvas, spot)
            wait_for(lambda count=count: len(painted) > count)
            seconds.append(tuple(b - a for a, b in zip(started, painted[count], strict=True)))

    pauses.measure("Preprocess: the strip follows the mouse", follow)
    press(widget, "cancel")
    viewer.window.remove_dock_widget(widget)
    return seconds


def label(viewer: Any, pauses: Pauses, project: Path, folder: Path) -> None:
    """Measure the panel Label patches."""
    widget = docked(viewer, LabelPatchesWidget)
    canvas, image = canvas_of(viewer), viewer.layers[0]

    def spot(y: float, x: float) -> Any:
        return data_to_pixel(canvas, image, y, x)

    def opened() -> None:
        with choosing("getExistingDirectory", project):
            press(widget, "open_project")
        wait_for(lambda: not widget.thumbnails.waiting)

    pauses.measure(f"Label patches: open {LABELS} labels", opened)
    widget.boxes.activate()
    pauses.measure(
        f"Label patches: a click beside {LABELS} labels", lambda: click(canvas, spot(9, 9))
    )
    held = widget.view_model.labels[0]
    path = [spot(held.y + step, held.x + step) for step in range(0, 60, 10)]
    pauses.measure(f"Label patches: a drag beside {LABELS} labels", lambda: drag(canvas, path))
    press(widget, "paint")
    QTest.qWait(200)
    stroke = [spot(300 + x / 4, x) for x in range(100, 900, 20)]
    pauses.measure("Label patches: paint a region", lambda: drag(canvas, stroke))
    press(widget, "paint")

    def imported() -> None:
        widget.import_labels(folder / "patches")
        wait_for(lambda: not widget.run.busy and widget.view_model.project is not None)

    pauses.measure(f"Label patches: import {LABELS} patches", imported)

    def made() -> None:
        widget.defects.add.click()
        wait_for(lambda: not widget.run.busy)

    pauses.measure("Label patches: make point defects", made)
    viewer.window.remove_dock_widget(widget)


def train(viewer: Any, pauses: Pauses, patches: Path) -> None:
    """Measure the panel Train ensemble, its report included."""
    widget = docked(viewer, TrainEnsembleWidget)

    def trained() -> None:
        with choosing("getExistingDirectory", patches):
            press(widget, "add_data")
        wait_for(lambda: bool(widget.view_model.counts))
        widget.split.setCurrentText("random")
        press(widget, "run")
        wait_for(lambda: not widget.view_model.run.busy, 1800)
        press(widget, "open_report")

    pauses.measure(f"Train ensemble: {TRAINED} patches, and the report", trained)
    viewer.window.remove_dock_widget(widget)


def detect(viewer: Any, pauses: Pauses) -> None:
    """Measure the panel Detect defects with the bundled ensemble."""
    for layer in list(viewer.layers)[1:]:
        viewer.layers.remove(layer)
    widget = docked(viewer, DetectDefectsWidget)
    model = widget.findChild(QComboBox, "model")
    model.setCurrentText(next(text for text in texts_of(model) if text.startswith("cdte-110")))
    widget.findChild(QWidget, "stride").setValue(16)
    QTest.qWait(200)

    def searched() -> None:
        press(widget, "run")
        wait_for(lambda: not widget.view_model.run.busy, 600)
        QTest.qWait(500)

    pauses.measure("Detect defects: search, refine, show", searched)
    canvas, image = canvas_of(viewer), viewer.layers[0]

    def hovered() -> None:
        for x in range(100, 900, 20):
            hover(canvas, data_to_pixel(canvas, image, 500, x))

    pauses.measure("Detect defects: probabilities follow the mouse", hovered)

    def thresholds() -> None:
        bar = widget.findChildren(ThresholdSlider)[2]
        for value in np.linspace(0.3, 0.9, 20):
            bar.setValue(round(value * STEPS))
            QTest.qWait(50)
        wait_for(lambda: not widget.view_model.run.busy)

    pauses.measure("Detect defects: a threshold is moved", thresholds)
    viewer.window.remove_dock_widget(widget)


def texts_of(box: QComboBox) -> list[str]:
    """Return the entries of a list to choose from."""
    return [box.itemText(index) for index in range(box.count())]


def train_members(viewer: Any, patches: Path) -> dict[str, Any]:
    """Train all classes of a patch folder with the default settings of the panel."""
    widget = docked(viewer, TrainEnsembleWidget)
    with choosing("getExistingDirectory", patches):
        press(widget, "add_data")
    wait_for(lambda: bool(widget.view_model.counts))
    line = widget.findChild(QWidget, "name")
    line.selectAll()
    QTest.keyClicks(line, "members")
    started, used = time.monotonic(), _processor_s()
    press(widget, "run")
    beat = Heartbeat()
    wait_for(lambda: not widget.view_model.run.busy, 3600)
    seconds = time.monotonic() - started
    figures = {
        "members": len(widget.classes.classes),
        "patches": sum(widget.view_model.counts.values()),
        "wall_s": round(seconds, 1),
        "processor_s": round(_processor_s() - used, 1),
        "message": widget.view_model.run.message,
        "longest_computing_ms": round(1e3 * beat.longest_busy_s),
    }
    print(figures, flush=True)
    return figures


def _processor_s() -> float:
    """Return the processor time of the process that trains."""
    pid = pool.get_worker("long").pid
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def choosing(dialog: str, path: Path) -> AbstractContextManager[None]:
    """Let a file dialog return a path."""
    from contextlib import contextmanager

    @contextmanager
    def patched() -> Iterator[None]:
        original = getattr(QFileDialog, dialog)
        setattr(QFileDialog, dialog, staticmethod(lambda *_: str(path)))
        try:
            yield
        finally:
            setattr(QFileDialog, dialog, original)

    return patched()


if __name__ == "__main__":
    main()
    QApplication.instance().quit()
