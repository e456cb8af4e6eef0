"""Take the screenshots of the four panels for the documentation.

    python docs/screenshots/make_screenshots.py [FOLDER] [--size 1280x800] [--theme light]

Everything on them is simulated; they go to ``docs/images``. The user's model library and settings
are left alone. ``train-ensemble`` trains three times, for the model and for each of two splits,
which takes one processor 6 to 20 minutes; ``report`` shows the same model, so take both together:
``--only train-ensemble,report``. The others take seconds. Needs a display; on a machine without
one put ``xvfb-run -a -s "-screen 0 2000x1300x24"`` in front.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtGui import QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QPushButton

from napari_stem_defects.io.labels.exchange import labels_export
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.models.report_folder import read_report
from napari_stem_defects.labels.label_sampling import sample_positions
from napari_stem_defects.napari_plugin.panels.common import settings as settings_module
from napari_stem_defects.napari_plugin.panels.common.figure_canvas import FigureCanvas
from napari_stem_defects.napari_plugin.panels.common.report_window import ReportWindow
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.napari_plugin.panels.label.start_classes import START_CLASSES
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
from napari_stem_defects.napari_plugin.panels.preprocess.panel import PreprocessWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget
from napari_stem_defects.napari_plugin.sample_data import simulated_cdte
from napari_stem_defects.simulation.any_lattice import make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeScene,
    LatticeSimulation,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_stem_defects.simulation.ground_truth import GroundTruthPoint

_LARGEST_BYTES = 480_000
_FREQUENT = 96
_OWN_MATERIAL = ("survey", "live-map")
"""Pictures of a crystal that no bundled model knows."""
IMAGES = 6
"""How many micrographs are labelled; the first is the one that is seen."""
_TITLES = {
    PreprocessWidget: "Preprocess",
    LabelPatchesWidget: "Label patches",
    TrainEnsembleWidget: "Train ensemble",
    DetectDefectsWidget: "Detect defects",
}


def main() -> None:
    """Take all pictures."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        library = options.library or Path(scratch) / "models"
        library_module.user_folder = lambda: library
        kept = SimpleNamespace(**{name: SimpleNamespace() for name in settings_module.CATEGORIES})
        settings_module._all = lambda: kept
        project = Path(scratch) / "my labels"
        label(project)
        for name, take in (
            ("preprocess", preprocess),
            ("survey", survey),
            ("live-map", lambda viewer: live_map(viewer, Path(scratch))),
            ("label-patches", lambda viewer: label_patches(viewer, project)),
            ("train-ensemble", lambda viewer: train_ensemble(viewer, project)),
            ("report", report),
            ("detect-defects", detect_defects),
        ):
            if options.only and name not in options.only.split(","):
                continue
            print(f"taking {name}", flush=True)
            viewer = napari.Viewer()
            viewer.theme = options.theme
            viewer.window.resize(*options.size)
            if name in _OWN_MATERIAL:
                viewer.add_image(own_material().pixels, name="own material")
            else:
                data, keywords, _ = simulated_cdte()[0]
                viewer.add_image(data, **keywords)
            window = take(viewer)
            QTest.qWait(800)
            picture = (
                viewer.screenshot(canvas_only=False, flash=False)
                if window is None
                else pixels(window)
            )
            write(options.folder / f"{name}.png", picture)
            viewer.close()
    if not options.only or "overview" in options.only:
        overview(options.folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parents[1] / "images"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--library", type=Path, help="folder of models to use and to fill")
    parser.add_argument("--only", default="", help="take only these pictures, names with commas")
    parser.set_defaults(size=(1280, 800))
    return parser.parse_args()


def write(path: Path, picture: np.ndarray) -> None:
    """Save a picture, with fewer colours if it is large otherwise."""
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    image.save(path, optimize=True)
    if path.stat().st_size > _LARGEST_BYTES:
        image.quantize(palette=_palette(image), dither=Image.Dither.NONE).save(path, optimize=True)


def _palette(image: Image.Image) -> Image.Image:
    """Return 256 colours: the most frequent ones, as of panels, and those of all classes."""
    counted = sorted(image.getcolors(image.width * image.height), reverse=True)
    frequent = [value for _, colour in counted[:_FREQUENT] for value in colour]
    spread = image.quantize(256 - _FREQUENT, Image.Quantize.MAXCOVERAGE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette(frequent + spread[: 3 * (256 - _FREQUENT)])
    return palette


def pixels(window: QWidget) -> np.ndarray:
    """Return what a window of its own shows."""
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    data = np.frombuffer(image.constBits().asarray(image.sizeInBytes()), np.uint8)
    return data.reshape(image.height(), image.width(), 4).copy()  # the memory goes with the image


def junction_of_sample() -> GroundTruthPoint:
    """Return where two faults of the sample meet."""
    return next(point for point in simulate("cdte-110").points if point.class_name == "LC")


def preprocess(viewer: napari.Viewer) -> None:
    """Show the stages of the patch on the junction, and stage c of the whole image."""
    widget = docked(viewer, PreprocessWidget)
    wait(lambda: widget.view_model.lattice is not None)
    widget.crystal.setCurrentText("CdTe [110]")
    widget.start()
    wait(lambda: len(viewer.layers) == 6)
    junction = junction_of_sample()
    widget.view_model.show_patch_at(junction.y_px, junction.x_px)


def own_material() -> LatticeSimulation:
    """Return a hexagonal crystal with missing columns and a fault."""
    crystal = make_crystal("hexagonal", 16.0, rotation_deg=12.0)
    defects = (
        LatticeDefect("missing", "vacancy", count=9),
        LatticeDefect("fault", "fault", amount=0.5),
    )
    return simulate_lattice(LatticeScene(crystal, defects, shape=(640, 640)), seed=3)


def survey(viewer: napari.Viewer) -> None:
    """Survey a crystal without model or labels."""
    widget = docked(viewer, DetectDefectsWidget)
    widget.findChild(QPushButton, "survey").click()
    wait(lambda: "unusual places - own material" in viewer.layers)


def live_map(viewer: napari.Viewer, folder: Path) -> None:
    """Label a few places and switch the live map on; a survey is open below."""
    truth = own_material()
    widget = docked(viewer, LabelPatchesWidget)
    model = widget.view_model
    model.create(folder / "own labels", ("Bulk",))
    model.add_class("fault", "line")
    model.add_class("vacancy", "point")
    widget.findChild(QPushButton, "survey").click()
    wait(lambda: "anomaly - own material" in viewer.layers)
    viewer.layers["anomaly - own material"].visible = False
    image = widget.view_model.image
    inside = [(float(y), float(x)) for y, x in truth.lines["fault"][0]]
    model.add_labels(image, 0, inside[len(inside) // 8 :: len(inside) // 6][:4], "fault")
    model.add_labels(
        image, 0, [(float(y), float(x)) for y, x in truth.points["vacancy"][:3]], "vacancy"
    )
    model.activate("vacancy")
    widget.live_row.switch.setChecked(True)
    wait(lambda: "live - own material" in viewer.layers)
    wait(lambda: not widget.thumbnails.waiting and widget.fitting.is_known)
    viewer.reset_view()


def label(project: Path) -> None:
    """Label simulations with their own ground truth."""
    model = LabelViewModel()
    model.create(project, START_CLASSES["CdTe"])
    for seed in range(IMAGES):
        truth = simulate("cdte-110", seed=seed)
        for name in ("SF1", "SF2", "Twin_Bound"):
            model.add_labels(truth.micrograph, 0, sample_positions(truth.masks[name])[:10], name)
        anywhere = np.any(list(truth.masks.values()), axis=0)
        crystal = np.random.default_rng(seed).permutation(sample_positions(~anywhere))[:20]
        model.add_labels(truth.micrograph, 0, [(float(y), float(x)) for y, x in crystal], "Bulk")
        for point in truth.points:
            model.add_labels(truth.micrograph, 0, [(point.y_px, point.x_px)], point.class_name)
    model.close()


def label_patches(viewer: napari.Viewer, project: Path) -> None:
    """Open the labelled project."""
    widget = docked(viewer, LabelPatchesWidget)
    widget.view_model.open(project)
    widget.view_model.activate("Vacancy_CdTe")
    wait(lambda: widget.boxes.layer is not None and len(widget.boxes.layer.data))
    wait(lambda: not widget.thumbnails.waiting and widget.fitting.is_known)


def train_ensemble(viewer: napari.Viewer, project: Path) -> None:
    """Train on the labels' patches, which takes minutes, and show the summary."""
    patches = project.with_name("my patches")
    labels_export(project, patches)
    widget = docked(viewer, TrainEnsembleWidget)
    widget.view_model.add_source(patches)
    wait(lambda: bool(widget.view_model.counts))
    widget.name.setText("my-model")
    widget.split.setCurrentText("image")
    widget.compare.setChecked(True)
    widget.start()
    wait(lambda: not widget.view_model.run.busy)
    print(widget.view_model.run.message, flush=True)
    QTest.qWait(300)
    widget.body.verticalScrollBar().setValue(widget.body.verticalScrollBar().maximum())


def report(viewer: napari.Viewer) -> ReportWindow:
    """Open the report on the model that was trained before."""
    found = read_report(library_module.user_folder() / "my-model.safetensors")
    window = ReportWindow(found, viewer.window._qt_window)
    window.show()
    wait(lambda: all(each.axes is not None for each in window.findChildren(FigureCanvas)))
    return window


def detect_defects(viewer: napari.Viewer) -> None:
    """Detect with the bundled ensemble and show the probabilities at the junction."""
    widget = docked(viewer, DetectDefectsWidget)
    models = widget.findChild(QComboBox, "model")
    names = (models.itemText(index) for index in range(models.count()))
    models.setCurrentText(next(name for name in names if name.startswith("cdte-110")))
    widget.start()
    wait(lambda: not widget.view_model.run.busy)
    wait(lambda: not widget._drawing.is_active)
    junction = junction_of_sample()
    found = widget.view_model.results.probabilities_at(0, junction.y_px, junction.x_px)
    widget.classes.set_probabilities(found)


def overview(folder: Path) -> None:
    """Take the detection's canvas for the first picture of the README."""
    viewer = napari.Viewer()
    viewer.window.resize(1280, 860)
    data, keywords, _ = simulated_cdte()[0]
    viewer.add_image(data, **keywords)
    detect_defects(viewer)
    QTest.qWait(800)
    write(folder / "overview.png", viewer.screenshot(canvas_only=False, flash=False))
    viewer.close()


def docked(viewer: napari.Viewer, panel: type) -> Any:
    """Open a panel in the viewer and return it."""
    widget = panel(viewer)
    viewer.window.add_dock_widget(widget, name=f"{_TITLES[panel]} (STEM Defects)", area="right")
    QTest.qWait(300)
    return widget


def wait(done: Any) -> None:
    """Process events until a condition is met."""
    while not done():
        QTest.qWait(50)


if __name__ == "__main__":
    main()
