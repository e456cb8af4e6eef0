"""The panel chooses a model by the lattice of the image, and names nothing where none fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lattice_images import lattice_image
from panels import docked, press, wait_for
from small_model import write_small_model

from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gui


@pytest.fixture
def widget(viewer: Any, library: Path, own_settings: Any) -> Any:
    """Return the panel with "auto" selected, and a library with a model of square lattices."""
    own_settings.detect.model = ""
    write_small_model(library / "square.safetensors", lattice_geometry=LatticeGeometry(90.0))
    return docked(viewer, DetectDefectsWidget)


def test_auto_is_selected_and_states_which_model_it_used(viewer: Any, widget: Any) -> None:
    assert widget.ensemble.is_auto
    assert widget.ensemble.currentText() == "auto"
    press(widget, "run")
    wait_for(lambda: widget.view_model.run.phase == "done")
    assert widget.view_model.request.model.name == "square"
    assert widget.setup.model_row.description.text().startswith("model square (90.0 degrees")
    result = widget.view_model.results[0]
    assert result.parameters["model_choice"].startswith("model square (90.0 degrees")
    assert [slider.objectName() for slider in widget.classes.sliders][-1] == "threshold_sf1"
    assert "SF1" in widget.view_model.run.message


def test_where_no_model_fits_the_message_states_why(viewer: Any, widget: Any) -> None:
    viewer.layers.clear()
    viewer.add_image(lattice_image(12, 1, 60, size=192, dose=30), name="other")
    press(widget, "run")
    wait_for(lambda: widget.view_model.run.phase == "done")
    message = widget.view_model.run.message
    assert message.startswith("not recognised: the lattice is hexagonal")
    assert "square (90.0 degrees" in message
    assert widget.view_model.results == {}
    assert message.endswith("repeats within its noise.") or "Unusual places: " in message
    wait_for(lambda: "anomaly - other" in viewer.layers)
    assert not any("SF1" in layer.name for layer in viewer.layers)
    # The sentence is in the message and nowhere else.
    assert "not recognised" not in widget.setup.model_row.description.text()
    widget.image.select(viewer.add_image(lattice_image(12, 1, 90, size=192), name="next"))
    assert "not recognised" not in widget.setup.model_row.description.text()


def run_to_the_end(widget: Any) -> None:
    press(widget, "run")
    wait_for(lambda: widget.view_model.run.phase == "done")
    wait_for(lambda: not widget._drawing.is_active)


def test_a_rerun_keeps_the_layers_and_what_the_user_changed_in_them(
    viewer: Any, widget: Any
) -> None:
    run_to_the_end(widget)
    before = list(viewer.layers)
    fault = viewer.layers["SF1 - CdTe"]
    fault.visible, fault.name = False, "my faults"
    run_to_the_end(widget)
    assert list(viewer.layers) == before
    assert not fault.visible


def test_results_of_another_image_stay(viewer: Any, widget: Any) -> None:
    run_to_the_end(widget)
    before = list(viewer.layers)
    other = viewer.add_image(lattice_image(12, 1, 90, size=192), name="next")
    widget.image.select(other)
    run_to_the_end(widget)
    assert set(before) < set(viewer.layers)


def test_the_image_of_the_run_is_searched_when_another_one_is_selected_meanwhile(
    viewer: Any, widget: Any
) -> None:
    other = viewer.add_image(lattice_image(12, 1, 60, size=192), name="next")
    widget.image.select(viewer.layers["CdTe"])
    press(widget, "run")
    widget.image.select(other)
    wait_for(lambda: widget.view_model.run.phase == "done")
    assert widget.view_model.request is not None
    assert widget.view_model.request.name == "CdTe"
