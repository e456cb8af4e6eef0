"""The survey in Detect defects: its places are listed, shown by a click and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.result_tasks import EXPORT_SURVEY, ExportSurveyArguments
from napari_stem_defects.napari_plugin.layers.stored_survey_layers import reopen_survey
from napari_stem_defects.napari_plugin.panels.common.survey_action import SurveyAction
from napari_stem_defects.napari_plugin.panels.detect.view_model import NO_RESULT

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.jobs.opened_survey import OpenedSurvey
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSizeViewModel
    from napari_stem_defects.napari_plugin.panels.detect.opened_layers import OpenedGroup
    from napari_stem_defects.napari_plugin.panels.detect.results_list import ResultsList
    from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectViewModel


class SurveyResults:
    """Connects the survey with the list of results and their export.

    Parameters
    ----------
    viewer : ViewerModel
    view_model : DetectViewModel
        Exports the results of detections.
    pixel_size : PixelSizeViewModel
        The pixel size that the user has typed, if any.
    listed : ResultsList

    Attributes
    ----------
    action : SurveyAction
    """

    def __init__(
        self,
        viewer: ViewerModel,
        view_model: DetectViewModel,
        pixel_size: PixelSizeViewModel,
        listed: ResultsList,
    ) -> None:
        self._listed, self._view_model = listed, view_model
        self.action = SurveyAction(
            viewer, view_model.run, with_places=True, with_pixel_size=pixel_size.with_typed
        )
        self.action.found.connect(self._on_survey)
        listed.table.place_selected.connect(self._go_to)
        self._viewer = viewer
        self._opened: OpenedSurvey | None = None

    def open(self, group: OpenedGroup) -> None:
        """Continue with a survey that a reader has added to the viewer.

        Parameters
        ----------
        group : OpenedGroup
            With layers of a survey. The regions of a detection among them stay listed.
        """
        run = self._view_model.run
        try:
            self._opened = reopen_survey(group.folder)
        except InputError as error:
            run.fail(str(error))
            return
        maps = [layer for layer in group.survey if isinstance(layer, Image)]
        if group.image is not None or maps:
            self.action.adopt(group.image or maps[0], group.survey)
        survey = self._opened.survey(self._frame_shown(self._opened))
        if group.labels and self._view_model.results.regions():
            self._listed.offer_survey(survey)
            return
        self._listed.set_survey(survey)
        notes = self._opened.notes()
        if not group.labels:
            run.finish(" · ".join((self._statement(), *notes)))

    def show_frame(self) -> None:
        """List the places of the frame shown, of an opened survey of several frames."""
        if self._opened is None or not self._opened.is_stack:
            return
        if self._listed.survey is None:
            self._opened = None  # another detection has emptied the list
            return
        frame = self._frame_shown(self._opened)
        if frame != self._listed.survey.frame:
            self._listed.offer_survey(self._opened.survey(frame))
            if self._view_model.results.opened is None and not self._view_model.run.busy:
                self._view_model.run.finish(self._statement())

    def missing(self) -> str:
        """Return why nothing can be exported; "" if something can."""
        if self._opened is not None and self._listed.lists_places and self._listed.survey:
            return f"the survey is stored already, in {self._opened.folder}; copy that folder"
        has_survey = self._listed.lists_places and self._listed.survey is not None
        return "" if has_survey or self._view_model.results else NO_RESULT

    def export(self, folder: Path) -> None:
        """Write what is listed into a folder: the files of a survey, or of a detection.

        Parameters
        ----------
        folder : Path
            Parent folder.
        """
        survey, source = self._listed.survey, self.action.source
        if not self._listed.lists_places or survey is None or source is None:
            self._view_model.export(folder)
            return
        exporting = self._view_model.exporting
        try:
            image = source.whole()
            if image.frame_shape != survey.anomaly.shape:
                raise InputError(
                    f"{image.name}: the image has changed since the survey; survey it again"
                )
        except InputError as error:
            exporting.fail(str(error))
            return
        job = EXPORT_SURVEY.job(ExportSurveyArguments(survey, image, folder), subject=image.name)
        exporting.start(job, lambda path: exporting.finish(f"survey written to {path}"))

    def _on_survey(self, survey: Survey) -> None:
        self._opened = None
        self._listed.set_survey(survey)

    def _frame_shown(self, opened: OpenedSurvey) -> int:
        """Return the surveyed frame that the viewer shows, or the nearest one."""
        shown = int(self._viewer.dims.current_step[0]) if opened.is_stack else 0
        return min(opened.frames, key=lambda frame: abs(frame - shown))

    def _statement(self) -> str:
        survey = self._listed.survey
        return self._opened.statement(survey.frame) if self._opened and survey else ""

    def _go_to(self, place: Candidate) -> None:
        if self._listed.survey is not None:
            self.action.go_to(place, self._listed.survey.frame)
