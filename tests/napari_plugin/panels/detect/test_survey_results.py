"""The survey in Detect defects: its places are listed, shown by a click and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lattice_images import lattice_image
from panels import docked, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QLabel
from small_model import write_small_model

from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.napari_plugin.layers.convert import get_camera
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gui
HOLE = (96.0, 96.0)


def without_a_column() -> Any:
    """Return a hexagonal lattice without the column nearest to `HOLE`."""
    pixels = lattice_image(12, 1, 60, size=192, dose=300)
    y, x = np.mgrid[:192, :192]
    around = np.hypot(y - HOLE[0], x - HOLE[1]) < 7
    pixels[around] = pixels.min()
    return pixels


@pytest.fixture
def widget(viewer: Any, library: Path, own_settings: Any) -> Any:
    """Return the panel with "auto" selected, and a library with a model of square lattices."""
    own_settings.detect.model = ""
    write_small_model(library / "square.safetensors", lattice_geometry=LatticeGeometry(90.0))
    return docked(viewer, DetectDefectsWidget)


def test_unusual_places_are_listed_shown_and_exported(
    viewer: Any, widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no model fits, the table has the places of the survey, and so has the export."""
    viewer.layers.clear()
    image = viewer.add_image(without_a_column(), name="other", scale=(0.02,) * 2, units=("nm",) * 2)
    press(widget, "run")
    wait_for(lambda: widget.view_model.run.phase == "done" and widget.listed.lists_places)
    assert widget.view_model.run.message.startswith("not recognised")
    model = widget.regions.model()
    titles = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(6)]
    assert titles == ["rank", "kind", "sign", "score", "y/nm", "x/nm"]
    first = [model.data(model.index(0, at)) for at in range(6)]
    assert first[:3] == ["1", "point", "deficit"]
    assert [float(text) for text in first[4:]] == pytest.approx(
        [0.02 * at for at in HOLE], abs=0.05
    )
    titles_shown = {each.text() for each in widget.findChildren(QLabel)}
    assert "Unusual places" in titles_shown
    assert "Regions" not in titles_shown
    widget.regions.selectRow(0)
    assert get_camera(viewer).center[-2:] == pytest.approx([0.02 * at for at in HOLE], abs=0.05)
    assert not widget.correction.delete.isEnabled()

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    press(widget, "export")
    wait_for(lambda: not widget.view_model.exporting.busy)
    assert widget.view_model.exporting.message.startswith("survey written to")
    rows = (tmp_path / "other" / "survey.csv").read_text().splitlines()
    assert rows[0].startswith("rank,kind,y_px")
    assert len(rows) == 1 + model.rowCount()

    image.data = without_a_column()[:100]
    press(widget, "export")
    assert "the image has changed since the survey" in widget.view_model.exporting.message


def test_regions_and_unusual_places_of_one_image_are_both_listed(viewer: Any, widget: Any) -> None:
    press(widget, "survey")
    wait_for(lambda: widget.listed.lists_places)
    press(widget, "run")  # a model fits: its regions take the place of the places
    wait_for(lambda: bool(widget.view_model.results) and not widget.view_model.run.busy)
    assert not widget.listed.lists_places
    assert widget.listed.survey is None
    model = widget.regions.model()
    press(widget, "survey")
    wait_for(lambda: widget.listed.lists_places)
    listed = widget.findChild(QComboBox, "listed")
    assert listed.isVisible() == bool(widget.view_model.results.regions())
    listed.setCurrentIndex(0)
    listed.activated.emit(0)
    assert model.rowCount() == len(widget.view_model.results.regions())
    assert model.headerData(1, Qt.Orientation.Horizontal) == "class"
