"""List of regions and of unusual places."""

from __future__ import annotations

from typing import Any

import pytest
from lattice_images import lattice_image
from qtpy.QtWidgets import QComboBox, QLabel
from sample_results import result

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.panels.detect.results_list import ResultsList

pytestmark = pytest.mark.gui


def test_what_is_listed_follows_what_was_found_last(qtbot: Any) -> None:
    pixels = lattice_image(12, 1, 60, size=128, dose=300)
    pixels[60:72, 60:72] = pixels.min()
    survey = survey_frame(Micrograph(pixels, "other"))
    title = QLabel()
    listed = ResultsList(title)
    for widget in (title, listed):
        qtbot.addWidget(widget)
    listed.show()
    switch = listed.findChild(QComboBox, "listed")
    rows = listed.table.model()

    listed.set_regions(result(0).regions, {})
    assert (title.text(), rows.rowCount()) == ("Regions", len(result(0).regions))
    assert not switch.isVisible()
    listed.set_survey(survey)
    assert (title.text(), rows.rowCount()) == ("Unusual places", len(survey.candidates))
    assert switch.isVisible()
    listed.set_regions(result(0).regions, {})  # as of other thresholds: the choice is the user's
    assert listed.lists_places
    listed.clear()
    assert (title.text(), rows.rowCount(), listed.survey) == ("Regions", 0, None)
    listed.set_survey(survey)
    assert not switch.isVisible()
