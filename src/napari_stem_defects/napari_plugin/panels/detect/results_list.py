"""List of what was found: the regions of a detection, or the unusual places of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.layers.survey_layer_data import KIND_COLOURS
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.detect.region_table import RegionTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.postprocessing.results import Region

REGIONS, PLACES = "Regions", "Unusual places"


class ResultsList(QWidget):
    """A table of regions or of unusual places; where there are both, a list chooses between them.

    Parameters
    ----------
    title : QLabel
        States what is listed.

    Attributes
    ----------
    table : RegionTable
    survey : Survey or None
        The survey whose places are known.
    """

    def __init__(self, title: QLabel) -> None:
        super().__init__()
        self.table = RegionTable()
        self.survey: Survey | None = None
        self._title = title
        self._regions: Sequence[Region] = ()
        self._colours: Mapping[str, str] = {}
        self._listed = named(Choice(), "listed", "What the table lists")
        self._listed.addItems([REGIONS, PLACES])
        self._listed.activated.connect(self._fill)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._listed)
        layout.addWidget(self.table, 1)
        self._fill()

    @property
    def lists_places(self) -> bool:
        """Whether the table lists unusual places."""
        return self._listed.currentText() == PLACES

    def clear(self) -> None:
        """Forget regions and places."""
        self.survey = None
        self.set_regions((), {})

    def set_regions(self, regions: Sequence[Region], colours: Mapping[str, str]) -> None:
        """List the regions of a detection, of all its frames.

        Parameters
        ----------
        regions : sequence of Region
        colours : mapping of str to str
            Colour of each class, ``#rrggbb``.
        """
        self._regions, self._colours = regions, colours
        if self.survey is None:
            self._listed.setCurrentText(REGIONS)
        self._fill()

    def set_survey(self, survey: Survey) -> None:
        """List the unusual places of a survey."""
        self._listed.setCurrentText(PLACES)
        self.offer_survey(survey)

    def offer_survey(self, survey: Survey) -> None:
        """Let the list choose the unusual places of a survey; what is listed stays."""
        self.survey = survey
        self._fill()

    def _fill(self) -> None:
        self._listed.setVisible(bool(self._regions) and self.survey is not None)
        self._title.setText(self._listed.currentText())
        if self.lists_places and self.survey is not None:
            self.table.set_places(self.survey, KIND_COLOURS)
        else:
            self.table.set_regions(self._regions, self._colours)
