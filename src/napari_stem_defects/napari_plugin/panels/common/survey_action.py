"""Survey of the frame shown: what is unusual in it, as layers and for the panel."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.registry import SURVEY, SurveyArguments
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.layer_source import LayerSource
from napari_stem_defects.napari_plugin.layers.owned_layers import alive
from napari_stem_defects.napari_plugin.layers.survey_layers import SurveyLayers
from napari_stem_defects.napari_plugin.panels.common.panel import button
from napari_stem_defects.napari_plugin.panels.common.preload import preload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from qtpy.QtWidgets import QPushButton

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.napari_plugin.panels.common.job_state import JobState

SURVEY_TEXT = "Find unusual places"
_TOOLTIP = "Show where the frame differs from its own lattice: no model and no labels are needed"
NO_IMAGE = "there is no image; open one"
_PAUSE_MS = 30


def survey_button() -> QPushButton:
    """Return the button of the panels that starts a survey."""
    return button(SURVEY_TEXT, "survey", _TOOLTIP)


class SurveyAction:
    """Surveys a frame in a worker process and shows the result as layers.

    Parameters
    ----------
    viewer : ViewerModel
    run : JobState
        Shows progress, statement and errors.
    with_places : bool
        Whether the ranked places become a layer, too. Without it a new map is hidden: where
        places are named one by one, it would lie over them.
    with_pixel_size : callable, optional
        Receives the frame and returns it with the pixel size that the user has typed, if any.

    Attributes
    ----------
    source : LayerSource or None
        The image of the last survey.
    """

    found = Signal(object)
    """The `Survey` that was made; its layers follow."""

    def __init__(
        self,
        viewer: ViewerModel,
        run: JobState,
        *,
        with_places: bool,
        with_pixel_size: Callable[[FrameInput], FrameInput] = lambda frame: frame,
    ) -> None:
        self.source: LayerSource | None = None
        self._with_pixel_size = with_pixel_size
        self._viewer = viewer
        self._run = run
        self._with_places = with_places
        self._layers = SurveyLayers(viewer)
        self._surveyed: weakref.ref[Image] | None = None

    def start(self, image: Image | None, frame: int, because: str = "") -> None:
        """Survey one frame of an image.

        Parameters
        ----------
        image : Image or None
            None is reported as an error.
        frame : int
            Frame of a stack; 0 for a single image.
        because : str
            Why there is a survey where a detection was requested; precedes the statement.
        """
        if image is None:
            self._run.fail(NO_IMAGE)
            return
        read = LayerSource(image, self._with_pixel_size)
        try:
            arguments = SurveyArguments(read.frame(frame), frame)
        except InputError as error:
            self._run.fail(str(error))
            return
        source = weakref.ref(image)
        job = SURVEY.job(arguments, subject=image.name)

        def on_survey(survey: Survey) -> None:
            self.source, self._surveyed = read, source
            self._on_survey(source, survey, because)

        self._run.start(job, on_survey)

    def adopt(self, image: Image, layers: Sequence[Layer]) -> None:
        """Continue with the layers of a stored survey that a reader has added.

        Parameters
        ----------
        image : Image
            The image surveyed, or the map in its place.
        layers : sequence of Layer
            Map, places and grains; the next survey of a single image replaces them.
        """
        self.source, self._surveyed = None, weakref.ref(image)
        if image.ndim == 2 and image not in layers:
            self._layers.adopt(image, layers)

    def go_to(self, place: Candidate, frame: int) -> None:
        """Centre the view on a place of the last survey, if its image is still open.

        Parameters
        ----------
        place : Candidate
        frame : int
            Frame that was surveyed.
        """
        image = alive(self._surveyed)
        if image is None or image not in self._viewer.layers:
            return
        if image.ndim == 3:
            self._viewer.dims.set_current_step(0, frame)
        convert.centre_on(self._viewer, image, place.y, place.x)

    def _on_survey(self, source: weakref.ref[Image], survey: Survey, because: str) -> None:
        self._run.finish(" · ".join(filter(None, (because, survey.statement))))
        self.found.emit(survey)
        if survey.threshold > 0:
            QTimer.singleShot(0, lambda: self._show_map(source, survey))

    def _show_map(self, source: weakref.ref[Image], survey: Survey) -> None:
        """Add the layers in separate turns, so that napari can process events between them."""
        image = alive(source)
        if image is None or image not in self._viewer.layers:
            return
        self._layers.show_map(image, survey, is_visible=self._with_places)
        if self._with_places:
            QTimer.singleShot(_PAUSE_MS, lambda: self._show_places(source, survey))

    def _show_places(self, source: weakref.ref[Image], survey: Survey) -> None:
        image = alive(source)
        if image is None or image not in self._viewer.layers:
            return
        if preload().is_alive():  # the features of the layer need pandas
            QTimer.singleShot(_PAUSE_MS, lambda: self._show_places(source, survey))
        else:
            self._layers.show_places(image, survey)
            QTimer.singleShot(_PAUSE_MS, lambda: self._show_grains(source, survey))

    def _show_grains(self, source: weakref.ref[Image], survey: Survey) -> None:
        image = alive(source)
        if image is not None and image in self._viewer.layers:
            self._layers.show_grains(image, survey)
