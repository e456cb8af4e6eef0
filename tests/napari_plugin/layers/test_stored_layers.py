"""Layers of result folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Tracks
from result_samples import CLASSES
from written_results import write_image, write_result

from napari_stem_defects.api.track import track
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.jobs.save_results import save_results
from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY, pixel_size_nm
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray
from napari_stem_defects.napari_plugin.layers.result_layers import ResultLayers
from napari_stem_defects.napari_plugin.layers.stored_layers import reopen, result_of, stored_layers

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer

NAMES = [*CLASSES[1:], "unknown"]


def opened(path: Path, warnings: list[str] | None = None) -> list[Layer]:
    viewer = ViewerModel()
    lines: list[str] = [] if warnings is None else warnings
    for data, keywords, kind in stored_layers(path, lines.append):
        getattr(viewer, f"add_{kind}")(data, **keywords)
    assert warnings is not None or lines == []
    return list(viewer.layers)


def test_an_image_and_its_classes_look_as_after_the_detection(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    image, *labels = opened(folder)
    assert isinstance(image, Image)
    assert [layer.name for layer in labels] == [f"{name} - a" for name in NAMES]

    viewer = ViewerModel()
    source = viewer.add_layer(Image(image.data, name="a", scale=image.scale, units=image.units))
    drawn = ResultLayers(viewer)
    found = reopen(folder).frame_result(0)
    drawn.begin(source, [found.map.class_table[name] for name in found.names])
    drawn.show(found)
    while drawn.step():
        pass
    for name, layer in zip(NAMES, labels, strict=True):
        expected = drawn.layer(name)
        assert isinstance(layer, Labels)
        assert expected is not None
        np.testing.assert_array_equal(layer.data, expected.data)
        assert layer.features.equals(expected.features)
        for value in (None, 0):
            colours = (each.colormap.color_dict[value] for each in (layer, expected))
            np.testing.assert_array_equal(*colours)
        assert layer.opacity == expected.opacity
        assert pixel_size_nm(layer) == pixel_size_nm(image) == 0.05
        about, wanted = (each.metadata[METADATA_KEY] for each in (layer, expected))
        assert {key: about[key] for key in wanted} == wanted
        assert result_of(layer) == folder


def test_a_stack_loads_the_frames_that_are_shown(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "m.tif", 12), tmp_path / "out", [0, 5, 11])
    image, *labels = opened(folder / "summary.json")
    assert image.data.shape == (12, 96, 128)
    for position, frame in enumerate([0, 5, 11]):
        for plane, layer in enumerate(labels):
            assert isinstance(layer.data, FrameArray)
            expected = read_results(folder)[position].masks[plane]
            np.testing.assert_array_equal(layer.data[frame] > 0, expected)
            assert not layer.data[frame - 2].any()


def test_a_batch_is_one_stack_whose_images_are_read_when_shown(tmp_path: Path) -> None:
    images = [write_image(tmp_path / "data" / f"im{n}.tif", seed=n) for n in range(3)]
    for each in images:
        write_result(each, tmp_path / "out")
    image, *labels = opened(tmp_path / "out")
    assert isinstance(image.data, FrameArray)
    assert image.name == "out"
    assert [layer.data.shape for layer in labels] == [(3, 96, 128)] * len(NAMES)
    pixels = [image.data[n] for n in range(3)]
    assert not np.array_equal(pixels[0], pixels[2])
    images[1].unlink()
    lines: list[str] = []
    opened(tmp_path / "out", lines)
    assert "im1.tif is not found" in lines[0]


def test_without_its_image_the_classes_are_there_and_a_note(tmp_path: Path) -> None:
    image = write_image(tmp_path / "a.tif")
    folder = write_result(image, tmp_path / "out")
    image.unlink()
    lines: list[str] = []
    labels = opened(folder, lines)
    assert [type(layer) for layer in labels] == [Labels] * len(NAMES)
    assert labels[0].name == "SF1 - a"
    assert pixel_size_nm(labels[0]) == 0.05
    assert len(lines) == 1
    assert "put it beside the results" in lines[0]


def test_a_frame_that_cannot_be_read_is_empty_and_named(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "m.tif", 9), tmp_path / "out")
    lines: list[str] = []
    data = [layer.data for layer in opened(folder, lines)[1:]]
    reopen(folder).close()
    content = (folder / "probability.npz").read_bytes()
    (folder / "probability.npz").write_bytes(content[:-100])
    assert not data[0][8].any()
    assert "probability.npz: is damaged" in lines[0]


def test_results_written_again_are_opened_again(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    first = reopen(folder)
    assert reopen(folder / "summary.json") is first
    save_results(folder, {**dict.fromkeys(CLASSES, 0.5), "SF1": 0.9}, ())
    assert reopen(folder) is not first
    assert reopen(folder).thresholds["SF1"] == 0.9


def test_the_tracks_of_a_movie_are_a_layer(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "m.tif", 4), tmp_path / "out")
    assert len(opened(folder)) == 1 + len(NAMES)
    track(folder, take_out_drift=False)
    *_, labels, tracks = opened(folder)
    assert isinstance(tracks, Tracks)
    assert tracks.name == "tracks - m"
    assert tracks.data.shape == (8, 4)  # two vacancies in four frames
    assert set(tracks.features["class"]) == {"Vacancy_CdTe"}
    np.testing.assert_allclose(tracks.scale[-2:], labels.scale[-2:])
    assert tracks.units[-2:] == labels.units[-2:]
    shown = ViewerModel()
    shown.add_layer(labels)
    shown.add_layer(tracks)
    assert shown.layers.extent.units is not None
    save_results(folder, {**dict.fromkeys(CLASSES, 0.5), "SF1": 0.9}, ())
    assert len(opened(folder)) == 1 + len(NAMES)  # the tracks belong to what was there before


def test_a_broken_folder_is_one_line(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    (folder / "masks.ome.tif").unlink()
    with pytest.raises(ReadError) as caught:
        opened(folder)
    assert "\n" not in str(caught.value)
