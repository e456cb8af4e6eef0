"""The survey in Detect defects: its places are listed, shown by a click and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.result_tasks import EXPORT_SURVEY, ExportSurveyArguments
from napari_stem_defects.napari_plugin.panels.common.survey_action import SurveyAction
from napari_stem_defects.napari_plugin.panels.detect.view_model import NO_RESULT

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSizeViewModel
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
        self.action.found.connect(listed.set_survey)
        listed.table.place_selected.connect(self._go_to)

    def missing(self) -> str:
        """Return why nothing can be exported; "" if something can."""
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

    def _go_to(self, place: Candidate) -> None:
        if self._listed.survey is not None:
            self.action.go_to(place, self._listed.survey.frame)
