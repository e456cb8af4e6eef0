"""Settings, patch, stages and lattice, without widgets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_worker import FakeWorker, submit_at_once

from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.napari_plugin.panels.preprocess.view_model import (
    PRESETS,
    PreprocessViewModel,
)
from napari_stem_defects.preprocessing.pipeline import (
    Stages,
    stages,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.workers.messages import Finished

if TYPE_CHECKING:
    from pathlib import Path


def lattice_image(size: int = 256, period: float = 13.9) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    waves = np.cos(2 * np.pi * x / period) + np.cos(2 * np.pi * y / period)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return (waves + 0.1 * noise + 3).astype(np.float32)


@pytest.fixture
def view_model() -> PreprocessViewModel:
    made = PreprocessViewModel(submit_at_once)
    made.show(FrameInput(lattice_image(), "CdTe"))
    return made


def test_the_patch_is_at_the_cursor(view_model: PreprocessViewModel) -> None:
    found: list[Stages] = []
    view_model.patch_found.connect(found.append)
    view_model.show_patch_at(100, 50)
    np.testing.assert_array_equal(found[0].original, lattice_image()[68:132, 18:82])
    expected = stages(lattice_image()[68:132, 18:82], PreprocessingSettings())
    np.testing.assert_array_equal(found[0].thresholded, expected.thresholded)


def test_near_the_border_the_patch_stays_inside(view_model: PreprocessViewModel) -> None:
    found: list[Stages] = []
    view_model.patch_found.connect(found.append)
    view_model.show_patch_at(0, 255)
    np.testing.assert_array_equal(found[0].original, lattice_image()[:64, 192:])
    view_model.show_patch_at(-20, 10)
    assert len(found) == 1


def test_a_patch_is_computed_quickly(view_model: PreprocessViewModel) -> None:
    seconds = []
    for x in range(100, 110):
        started = time.perf_counter()
        view_model.show_patch_at(x, 50)
        seconds.append(time.perf_counter() - started)
    print(f"a patch in {1e3 * min(seconds):.1f} ms")  # target 50
    assert min(seconds) < 0.25


def test_a_changed_parameter_updates_patch_and_image(view_model: PreprocessViewModel) -> None:
    view_model.show_patch_at(100, 50)
    patches, images = [], []
    view_model.patch_found.connect(patches.append)
    view_model.stages_found.connect(images.append)
    view_model.live = True
    view_model.change("smoothing_px", 3.0)
    assert len(patches) == len(images) == 1
    expected = stages(lattice_image(), view_model.settings).background_removed
    np.testing.assert_allclose(images[0].background_removed, expected)


def test_last_request_wins() -> None:
    worker = FakeWorker()
    view_model = PreprocessViewModel(worker.submit)
    view_model.live = True
    view_model.show(FrameInput(lattice_image(), "CdTe"))
    for value in (2.0, 3.0, 4.0):
        view_model.change("smoothing_px", value)
    assert worker.names == ["measure_lattice", "compute_stages"]
    worker.finish(None, place=1)
    assert worker.jobs[-1].arguments["settings"].smoothing_px == 4.0


def test_values_out_of_range_are_reported(view_model: PreprocessViewModel) -> None:
    messages: list[str] = []
    view_model.failed.connect(messages.append)
    view_model.change("patch_px", 17)
    assert len(messages) == 1
    assert view_model.settings == PreprocessingSettings()


def test_lattice_gives_the_pixel_size(view_model: PreprocessViewModel) -> None:
    assert view_model.pixel_size_nm("SrTiO3 [001]") == pytest.approx(0.3905 / 13.9, rel=0.01)
    assert view_model.lattice_text(None).startswith("13.9 and 13.9 px at 90")


def test_settings_are_saved_and_loaded(view_model: PreprocessViewModel, tmp_path: Path) -> None:
    view_model.use(PRESETS["as in the paper"].to_dict())
    view_model.save(tmp_path / "settings.json")
    view_model.use(PreprocessingSettings().to_dict())
    view_model.load(tmp_path / "settings.json")
    assert view_model.settings == PreprocessingSettings.paper()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"preprocessing": {"patch_px": 64}}'])
def test_other_files_are_refused(
    view_model: PreprocessViewModel, tmp_path: Path, text: str
) -> None:
    messages: list[str] = []
    view_model.failed.connect(messages.append)
    (tmp_path / "other.json").write_text(text)
    view_model.load(tmp_path / "other.json")
    assert len(messages) == 1


def test_a_pixel_size_follows_only_from_a_lattice_that_is_the_crystal() -> None:
    """A square lattice is SrTiO3, perhaps, but not CdTe; no crystal gives no size."""
    made = PreprocessViewModel(submit_at_once)
    made.show(FrameInput(lattice_image(), "square"))
    assert made.pixel_size_nm("SrTiO3 [001]") == pytest.approx(0.3905 / 13.9, rel=0.02)
    assert made.pixel_size_nm("CdTe [110]") is None
    assert "70.5" in made.why_no_size("CdTe [110]")
    assert made.pixel_size_nm("select…") is None
    cdte = PreprocessViewModel(submit_at_once)
    truth = simulate("cdte-110", size=256, defects=[]).micrograph
    cdte.show(FrameInput(truth.pixels, "cdte"))
    assert cdte.pixel_size_nm("CdTe [110]") == pytest.approx(truth.pixel_size_nm, rel=0.03)
    assert cdte.pixel_size_nm("SrTiO3 [001]") is None


def test_a_lattice_that_is_still_measured_is_not_missing() -> None:
    worker = FakeWorker()
    made = PreprocessViewModel(worker.submit)
    assert made.lattice_text(None) == "no lattice found"
    made.show(FrameInput(lattice_image(), "square"))
    assert made.lattice_text(None) == "measuring…"
    worker.send(Finished(None))
    assert made.lattice_text(None) == "no lattice found"
