"""Layers of stored surveys, in a viewer without canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from crystal_images import crystal_image
from napari.components import ViewerModel
from napari.layers import Image, Points
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.survey_folder import add_survey
from napari_stem_defects.napari_plugin.layers.convert import is_plugin_layer, pixel_size_nm
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray
from napari_stem_defects.napari_plugin.layers.stored_layers import result_of, stored_layers
from napari_stem_defects.napari_plugin.layers.stored_survey_layers import (
    reopen_survey,
    stored_survey_layers,
)
from napari_stem_defects.napari_plugin.layers.survey_layers import SurveyLayers

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer


def opened(path: Path, warnings: list[str] | None = None) -> list[Layer]:
    viewer = ViewerModel()
    lines: list[str] = [] if warnings is None else warnings
    for data, keywords, kind in stored_survey_layers(path, lines.append):
        getattr(viewer, f"add_{kind}")(data, **keywords)
    assert warnings is not None or lines == []
    return list(viewer.layers)


def test_a_survey_looks_as_it_did_in_the_panel(tmp_path: Path) -> None:
    folder, (survey,) = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    image, shown, places = opened(folder)
    drawn = SurveyLayers(viewer := ViewerModel())
    source = viewer.add_layer(Image(image.data, name="a", scale=image.scale, units=image.units))
    expected_map = drawn.show_map(source, survey)
    expected = drawn.show_places(source, survey)
    assert isinstance(places, Points)
    assert isinstance(expected, Points)
    np.testing.assert_array_equal(shown.data, expected_map.data)
    assert shown.contrast_limits == expected_map.contrast_limits
    np.testing.assert_allclose(places.data, expected.data, atol=0.006)
    assert places.features.equals(expected.features)
    np.testing.assert_array_equal(places.symbol, expected.symbol)
    np.testing.assert_array_equal(places.border_color, expected.border_color)
    for layer, wanted in ((shown, expected_map), (places, expected)):
        assert (layer.name, layer.opacity, layer.blending) == (
            *(wanted.name, wanted.opacity),
            wanted.blending,
        )
        assert pixel_size_nm(layer) == pixel_size_nm(image) == 0.02
        assert is_plugin_layer(layer)
        assert result_of(layer) == folder


def test_the_frames_of_a_stack(tmp_path: Path) -> None:
    path = write_crystal(tmp_path / "movie.npy", 4)
    folder, made = write_surveys(path, tmp_path / "out", [1, 3])
    image, shown, places = opened(folder / "summary.json")
    assert image.data.shape == (4, 200, 200)
    assert isinstance(shown.data, FrameArray)
    for survey in made:
        np.testing.assert_array_equal(shown.data[survey.frame], survey.anomaly)
        here = places.data[:, 0] == survey.frame
        assert here.sum() == len(survey.candidates)
    assert not shown.data[0].any()
    assert set(places.data[:, 0]) == {1, 3}


def test_two_grains_are_outlined(tmp_path: Path) -> None:
    halves = [crystal_image(size=256).pixels, np.zeros((256, 256), np.float32)]
    pixels = np.where(np.arange(256) < 150, *halves).astype(np.float32)
    np.save(tmp_path / "half.npy", pixels)
    folder, (survey,) = write_surveys(tmp_path / "half.npy", tmp_path / "out")
    assert survey.grain_map.outlined
    last = opened(folder)[-1]
    assert last.name == "grains - half"
    rings = sum(1 + len(each.holes) for each in survey.grain_map.outlined)
    assert last.nshapes == rings


def test_without_the_image_the_rest_is_shown(tmp_path: Path) -> None:
    image = write_crystal(tmp_path / "a.npy")
    folder, _ = write_surveys(image, tmp_path / "out")
    image.unlink()
    lines: list[str] = []
    shown, places = opened(folder, lines)
    assert "is not found; put it beside the results and open again" in lines[0]
    assert (shown.name, places.name) == ("anomaly - a", "unusual places - a")
    assert pixel_size_nm(shown) == pixel_size_nm(places) == 0.02


def test_a_damaged_map_is_one_line(tmp_path: Path) -> None:
    path = write_crystal(tmp_path / "movie.npy", 2)
    folder, _ = write_surveys(path, tmp_path / "out")
    (folder / "anomaly.ome.tif").write_bytes(b"II*\0")
    lines: list[str] = []
    _, shown, _ = opened(folder, lines)
    assert not shown.data[1].any()
    assert "anomaly.ome.tif: is damaged" in lines[-1]
    single, _ = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    (single / "anomaly.ome.tif").write_bytes(b"II*\0")
    with pytest.raises(ReadError, match=r"anomaly\.ome\.tif: is damaged"):
        opened(single)


def test_a_survey_that_is_written_again_is_opened_again(tmp_path: Path) -> None:
    path = write_crystal(tmp_path / "a.npy")
    folder, _ = write_surveys(path, tmp_path / "out")
    first = reopen_survey(folder)
    assert reopen_survey(folder / "summary.json") is first
    write_surveys(path, tmp_path / "out")
    assert reopen_survey(folder) is not first


@pytest.mark.parametrize("threshold", [0.5, 1.1])
def test_the_survey_within_results_is_seen_where_nothing_was_named(
    tmp_path: Path, threshold: float
) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out", threshold=threshold)
    crystal = Micrograph(crystal_image(missing=5, size=128).pixels[:96], "a", sha256="3" * 64)
    add_survey(folder, crystal, [survey_frame(crystal)])
    names = [(kw["name"], kw.get("visible", True)) for _, kw, _ in stored_layers(folder, print)]
    is_seen = threshold > 1
    assert names[1] == ("anomaly - a", is_seen)
    assert names[-1] == ("unusual places - a", is_seen)
