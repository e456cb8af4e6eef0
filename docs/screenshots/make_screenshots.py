"""Take the pictures of the four windows that the documentation shows.

    python docs/screenshots/make_screenshots.py [FOLDER]

Everything on them is simulated. Needs a display; on a machine without one put
``xvfb-run -a -s "-screen 0 1600x1000x24"`` in front.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import napari
from qtpy.QtTest import QTest

from napari_stem_defects.app.models.label import START_CLASSES
from napari_stem_defects.app.sample_data import simulated_cdte
from napari_stem_defects.app.widgets.detect_defects import DetectDefectsWidget
from napari_stem_defects.app.widgets.label_patches import LabelPatchesWidget
from napari_stem_defects.app.widgets.preprocess import PreprocessWidget
from napari_stem_defects.app.widgets.train_ensemble import TrainEnsembleWidget
from napari_stem_defects.core.simulation import simulate
from napari_stem_defects.core.training_plan import Choices
from napari_stem_defects.files.label_project import LabelProject

_SIZE = (1280, 800)


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        for name, take in (
            ("preprocess", lambda viewer: preprocess(viewer)),
            ("label-patches", lambda viewer: label_patches(viewer, project)),
            ("train-ensemble", lambda viewer: train_ensemble(viewer, project)),
            ("detect-defects", lambda viewer: detect_defects(viewer)),
        ):
            viewer = napari.Viewer()
            viewer.window.resize(*_SIZE)
            data, keywords, _ = simulated_cdte()[0]
            viewer.add_image(data, **keywords)
            take(viewer)
            QTest.qWait(500)
            viewer.screenshot(str(folder / f"{name}.png"), canvas_only=False, flash=False)
            viewer.close()


def preprocess(viewer: napari.Viewer) -> None:
    """Show the stages of a patch on a fault, and stage c of the whole image."""
    widget = docked(viewer, PreprocessWidget)
    widget.start()
    wait(lambda: len(viewer.layers) == 6)
    fault = simulate("cdte-110").points[0]
    widget.model.look_at(fault.y_px, fault.x_px)


def label_patches(viewer: napari.Viewer, project: Path) -> None:
    """Label the simulation with its own truth."""
    widget = docked(viewer, LabelPatchesWidget)
    widget.model.create(project, START_CLASSES["CdTe"])
    for point in simulate("cdte-110").points:
        widget.model.activate(point.class_name)
        widget.model.click(point.y_px, point.x_px)
    widget.model.close()
    with LabelProject.open(project):
        pass
    widget.model.open(project)


def train_ensemble(viewer: napari.Viewer, project: Path) -> None:
    """Train for a moment on what was labelled."""
    widget = docked(viewer, TrainEnsembleWidget)
    widget.model.add_source(project)
    wait(lambda: bool(widget.model.counts))
    widget.model.start(Choices("screenshot", tuple(widget.model.counts), splits=("random",)))
    wait(lambda: len(widget.model.losses) > 10 or not widget.model.run.busy)


def detect_defects(viewer: napari.Viewer) -> None:
    """Detect with the bundled ensemble."""
    widget = docked(viewer, DetectDefectsWidget)
    widget.start()
    wait(lambda: not widget.model.run.busy)


def docked(viewer: napari.Viewer, window: type) -> Any:
    """Open a window in the viewer."""
    widget = window(viewer)
    viewer.window.add_dock_widget(widget, name=window.__name__, area="right")
    QTest.qWait(300)
    return widget


def wait(done: Any) -> None:
    """Let napari live until something is done."""
    while not done():
        QTest.qWait(50)


if __name__ == "__main__":
    main()
