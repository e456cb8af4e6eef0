"""Labelling aids: unusual places, uncertain windows, synthetic defects in perfect crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_stem_defects.anomaly.example_places import example_places
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.registry import (
    ADD_SYNTHETIC_DEFECTS,
    SUGGEST_LABELS,
    AddSyntheticDefectsArguments,
    SuggestLabelsArguments,
)
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.search_area import get_search_area
from napari_stem_defects.napari_plugin.panels.common.survey_action import SurveyAction
from napari_stem_defects.napari_plugin.panels.label.project_state import NO_IMAGE
from napari_stem_defects.training.active_learning import Suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector
    from napari_stem_defects.napari_plugin.panels.common.job_state import JobState
    from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
    from napari_stem_defects.napari_plugin.panels.label.synthetic_defects_form import (
        SyntheticDefectRequest,
    )
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
    from napari_stem_defects.simulation.synthetic_edits import SyntheticDefects

_MOST_PLACES = 500
_PICTURE_PERIODS, _SMALLEST_PICTURE_PX = 6.0, 32


class LabelActions:
    """Sends the image to a worker and turns the result into labels or suggestions.

    Parameters
    ----------
    viewer : ViewerModel
    model : LabelModel
    queue : LabelQueue
    run : Run
    image : ImageChoice
    """

    found = Signal()
    """The queue was filled with suggestions."""

    def __init__(
        self,
        viewer: ViewerModel,
        view_model: LabelViewModel,
        queue: LabelQueue,
        run: JobState,
        image: ImageSelector,
    ) -> None:
        self._viewer = viewer
        self._view_model = view_model
        self._queue = queue
        self._run = run
        self._image = image
        self._survey = SurveyAction(viewer, run, with_places=False)
        self._survey.found.connect(self._on_survey)
        self._surveyed: Micrograph | None = None

    def survey(self, frame: int) -> None:
        """Fill the queue with the unusual places of a frame, which needs no model.

        Parameters
        ----------
        frame : int
            Frame of the image to survey.
        """
        image, self._surveyed = self._ready()
        if image is not None and self._surveyed is not None:
            self._survey.start(image, frame)

    def find_next(self, entry: ModelEntry | None, frame: int) -> None:
        """Fill the queue with the windows that an ensemble predicts with most uncertainty.

        Parameters
        ----------
        entry : ModelEntry or None
            The ensemble.
        frame : int
            Frame of the image to search.
        """
        if self._image.image is None:
            self._view_model.failed.emit(NO_IMAGE)
            return
        if entry is None:
            self._view_model.failed.emit(
                "no model fits this image; find unusual places, or train a model"
            )
            return
        image, shown = self._ready()
        if image is None or shown is None:
            return
        arguments = SuggestLabelsArguments(
            frame=convert.frame_input(image, frame),
            model=entry.path,
            taken=[(label.y, label.x) for label in self._view_model.labels],
            device="auto",
        )
        job = SUGGEST_LABELS.job(arguments, subject=image.name)
        classes = entry.spec.class_table
        self._run.start(job, lambda found: self._on_suggestions(shown, frame, found, classes))

    def add_synthetic_defects(self, request: SyntheticDefectRequest, frame: int) -> None:
        """Add point defects to a copy of the image and label them as simulated.

        Parameters
        ----------
        request : SyntheticDefectRequest
            Number, classes and area of the defects.
        frame : int
            Frame of the image to copy.
        """
        image, _ = self._ready()
        if image is None:
            return
        try:
            area = get_search_area(self._viewer, image, request.area)
        except InputError as error:
            self._view_model.failed.emit(str(error))
            return
        arguments = AddSyntheticDefectsArguments(
            frame=convert.frame_input(image, frame),
            area=area,
            defects=self._view_model.defect_positions(),
            vacancies=request.vacancies,
            interstitials=request.interstitials,
            seed=sum(self._view_model.counts.values()),
        )
        job = ADD_SYNTHETIC_DEFECTS.job(arguments, subject=image.name)
        self._run.start(job, lambda edited: self._on_edited(image, edited, request))

    def _ready(self) -> tuple[Image | None, Micrograph | None]:
        """Return the image layer and its micrograph; report what is missing."""
        if not self._view_model.ensure_project():
            return None, None
        image, shown = self._image.image, self._view_model.image
        if image is None or shown is None:
            self._view_model.failed.emit(NO_IMAGE)
        return image, shown

    def _on_survey(self, survey: Survey) -> None:
        if self._surveyed is None or self._surveyed is not self._view_model.image:
            return  # another image is shown now
        listed, others = survey.candidates[:_MOST_PLACES], survey.candidates[_MOST_PLACES:]
        places = [
            Suggestion(y, x, "", 0.0, _describe(each))
            for each, (y, x) in zip(listed, example_places(listed, others), strict=True)
        ]
        edge = max(_SMALLEST_PICTURE_PX, round(_PICTURE_PERIODS * survey.unit_px))
        self._queue.fill(self._surveyed, survey.frame, places, edge_px=edge)
        self.found.emit()

    def _on_suggestions(
        self,
        image: Micrograph,
        frame: int,
        found: list[Suggestion],
        classes: Mapping[str, DefectClass],
    ) -> None:
        self._queue.fill(image, frame, found, classes)
        self._run.finish(f"{len(found)} windows to label")
        self.found.emit()

    def _on_edited(
        self, image: Image, edited: SyntheticDefects, request: SyntheticDefectRequest
    ) -> None:
        """Label the copy and show it in separate turns, so that napari can process events."""
        layer = convert.edited_copy(image, edited.pixels, "synthetic defects")
        copy = convert.whole_input(layer).micrograph()
        for positions, name in (
            (edited.vacancies, request.vacancy_class),
            (edited.interstitials, request.interstitial_class),
        ):
            if positions and name:
                self._view_model.add_labels(copy, 0, positions, name, "simulated")
        count = len(edited.vacancies) + len(edited.interstitials)

        def show() -> None:
            self._viewer.add_layer(layer)
            QTimer.singleShot(0, choose)

        def choose() -> None:
            self._image.select(layer)
            self._run.finish(f"{count} synthetic point defects added and labelled in {layer.name}")

        QTimer.singleShot(0, show)


def _describe(place: Candidate) -> str:
    """Return kind and score of an unusual place for the user."""
    sign = {"deficit": "too dark", "excess": "too bright"}.get(place.sign, "")
    return ", ".join(filter(None, (place.kind, sign, f"score {place.score:.1f}")))
