"""Help with labelling: windows worth a label, and point defects made in perfect crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.search_area import area_of
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageChoice
    from napari_stem_defects.napari_plugin.panels.common.job_state import Run
    from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
    from napari_stem_defects.napari_plugin.panels.label.synthetic_defects_form import Wanted
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelModel
    from napari_stem_defects.simulation.synthetic_edits import SyntheticDefects
    from napari_stem_defects.training.active_learning import Suggestion

_TASKS = "napari_stem_defects.jobs.tasks"


class LabelHelpers:
    """Sends the image shown to a worker and turns the answer into labels, or questions.

    Parameters
    ----------
    viewer : ViewerModel
    model : LabelModel
    queue : LabelQueue
    run : Run
    image : ImageChoice
    """

    found = Signal()
    """There are windows to label."""

    def __init__(
        self,
        viewer: ViewerModel,
        model: LabelModel,
        queue: LabelQueue,
        run: Run,
        image: ImageChoice,
    ) -> None:
        self._viewer = viewer
        self._model = model
        self._queue = queue
        self._run = run
        self._image = image

    def find_next(self, entry: ModelEntry | None, frame: int) -> None:
        """Fill the queue with the windows that an ensemble is least sure of."""
        if entry is None:
            self._model.failed.emit("there is no model yet; train one, or import one in Detect")
            return
        image, shown = self._ready()
        if image is None or shown is None:
            return
        arguments = {
            "frame": convert.frame_input(image, frame),
            "model": entry.path,
            "taken": [(label.y, label.x) for label in self._model.labels],
            "device": "auto",
        }
        job = Job(f"{_TASKS}:suggest_labels", arguments, subject=image.name)
        self._run.start(job, lambda found: self._on_suggestions(shown, frame, found))

    def add_synthetic_defects(self, wanted: Wanted, frame: int) -> None:
        """Make point defects in a copy of the image and label them as simulated."""
        image, _ = self._ready()
        if image is None:
            return
        try:
            area = area_of(self._viewer, image, wanted.area)
        except InputError as error:
            self._model.failed.emit(str(error))
            return
        arguments = {
            "frame": convert.frame_input(image, frame),
            "area": area,
            "defects": self._model.defect_places(),
            "vacancies": wanted.vacancies,
            "interstitials": wanted.interstitials,
            "seed": sum(self._model.counts.values()),
        }
        job = Job(f"{_TASKS}:add_synthetic_defects", arguments, subject=image.name)
        self._run.start(job, lambda made: self._on_made(image, made, wanted))

    def _ready(self) -> tuple[Image | None, Micrograph | None]:
        """Return the image shown, or say what is missing."""
        image, shown = self._image.image, self._model.image
        if self._model.project is None:
            self._model.failed.emit("no label project is open; make a new one or open one first")
            return None, None
        if image is None or shown is None:
            self._model.failed.emit("there is no image to label; open one first")
        return image, shown

    def _on_suggestions(self, image: Micrograph, frame: int, found: list[Suggestion]) -> None:
        self._queue.fill(image, frame, found)
        self._run.finish(f"{len(found)} windows to label")
        self.found.emit()

    def _on_made(self, image: Image, made: SyntheticDefects, wanted: Wanted) -> None:
        """Label the copy, then show it, in turns between which napari lives."""
        layer = convert.edited_copy(image, made.pixels, "made defects")
        copy = convert.whole_input(layer).micrograph()
        for places, name in (
            (made.vacancies, wanted.vacancy_class),
            (made.interstitials, wanted.interstitial_class),
        ):
            if places and name:
                self._model.label_all(copy, 0, places, name, "simulated")
        count = len(made.vacancies) + len(made.interstitials)

        def show() -> None:
            self._viewer.add_layer(layer)
            QTimer.singleShot(0, choose)

        def choose() -> None:
            self._image.choose(layer)
            self._run.finish(f"{count} point defects made and labelled in {layer.name}")

        QTimer.singleShot(0, show)
