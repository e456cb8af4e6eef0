"""Settings, patch and stages of the Preprocess window, without a window."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_worker import FakeWorker, submit_at_once
from napari.components import ViewerModel

from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.napari_plugin.layers.stage_layers import STAGE_TITLES, StageLayers
from napari_stem_defects.napari_plugin.panels.preprocess.view_model import PRESETS, PreprocessModel
from napari_stem_defects.preprocessing.pipeline import (
    Stages,
    stages,
)
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)

if TYPE_CHECKING:
    from pathlib import Path


def lattice_image(size: int = 256, period: float = 13.9) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    waves = np.cos(2 * np.pi * x / period) + np.cos(2 * np.pi * y / period)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return (waves + 0.1 * noise + 3).astype(np.float32)


@pytest.fixture
def model() -> PreprocessModel:
    made = PreprocessModel(submit_at_once)
    made.show(FrameInput(lattice_image(), "CdTe"))
    return made


def test_the_patch_is_the_one_under_the_cursor(model: PreprocessModel) -> None:
    found: list[Stages] = []
    model.patch_found.connect(found.append)
    model.look_at(100, 50)
    np.testing.assert_array_equal(found[0].original, lattice_image()[68:132, 18:82])
    expected = stages(lattice_image()[68:132, 18:82], PreprocessingSettings())
    np.testing.assert_array_equal(found[0].thresholded, expected.thresholded)


def test_near_the_border_the_patch_stays_inside(model: PreprocessModel) -> None:
    found: list[Stages] = []
    model.patch_found.connect(found.append)
    model.look_at(0, 255)
    np.testing.assert_array_equal(found[0].original, lattice_image()[:64, 192:])
    model.look_at(-20, 10)
    assert len(found) == 1


def test_a_patch_is_quick(model: PreprocessModel) -> None:
    seconds = []
    for x in range(100, 110):
        started = time.perf_counter()
        model.look_at(x, 50)
        seconds.append(time.perf_counter() - started)
    print(f"a patch in {1e3 * min(seconds):.1f} ms")  # 50 promised
    assert min(seconds) < 0.25


def test_a_moved_slider_reaches_patch_and_image(model: PreprocessModel) -> None:
    model.look_at(100, 50)
    patches, images = [], []
    model.patch_found.connect(patches.append)
    model.stages_found.connect(images.append)
    model.live = True
    model.change("smoothing_px", 3.0)
    assert len(patches) == len(images) == 1
    np.testing.assert_allclose(
        images[0].background_removed, stages(lattice_image(), model.settings).background_removed
    )


def test_last_request_wins() -> None:
    worker = FakeWorker()
    model = PreprocessModel(worker.submit)
    model.live = True
    model.show(FrameInput(lattice_image(), "CdTe"))
    for value in (2.0, 3.0, 4.0):
        model.change("smoothing_px", value)
    assert worker.names == ["measure", "stage"]
    worker.finish(None, place=1)
    assert worker.jobs[-1].arguments["settings"].smoothing_px == 4.0


def test_values_out_of_range_are_told(model: PreprocessModel) -> None:
    told: list[str] = []
    model.failed.connect(told.append)
    model.change("patch_px", 17)
    assert len(told) == 1
    assert model.settings == PreprocessingSettings()


def test_lattice_gives_the_pixel_size(model: PreprocessModel) -> None:
    assert model.pixel_size_nm("SrTiO3 [001]") == pytest.approx(0.3905 / 13.9, rel=0.01)
    assert model.lattice_text(None).startswith("13.9 and 13.9 px at 90")


def test_settings_survive_a_file(model: PreprocessModel, tmp_path: Path) -> None:
    model.use(PRESETS["as in the paper"].to_dict())
    model.save(tmp_path / "settings.json")
    model.use(PreprocessingSettings().to_dict())
    model.load(tmp_path / "settings.json")
    assert model.settings == PreprocessingSettings.paper()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"preprocessing": {"patch_px": 64}}'])
def test_other_files_are_refused(model: PreprocessModel, tmp_path: Path, text: str) -> None:
    told: list[str] = []
    model.failed.connect(told.append)
    (tmp_path / "other.json").write_text(text)
    model.load(tmp_path / "other.json")
    assert len(told) == 1


def test_stage_layers_keep_units_and_are_updated_in_place() -> None:
    viewer = ViewerModel()
    source = viewer.add_image(lattice_image(), name="CdTe", scale=(0.03, 0.03), units=("nm", "nm"))
    layers = StageLayers(viewer)
    layers.begin(source)
    layers.show(stages(lattice_image(), PreprocessingSettings()))
    while layers.make_next():
        pass
    assert [layer.name for layer in viewer.layers[1:]] == [
        f"CdTe · {title}" for title in STAGE_TITLES.values()
    ]
    assert str(viewer.layers.extent.units[0]) == "nanometer"
    filtered = layers.layer("background_removed")
    assert filtered is not None
    filtered.contrast_limits = (-1, 1)
    layers.show(stages(lattice_image(), PreprocessingSettings(smoothing_px=3)))
    assert layers.layer("background_removed") is filtered
    assert filtered.contrast_limits == [-1, 1]
    layers.choose("spectrum")
    assert [layer.visible for layer in viewer.layers[1:]] == [False, False, False, True, False]
    layers.remove()
    assert list(viewer.layers) == [source]
