"""Only models whose lattice fits the image suggest windows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_worker import FakeWorkers
from panels import crystal, docked, wait_for
from small_model import write_small_model

from napari_stem_defects.io.models.library import find_model, list_models
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.napari_plugin.panels.label.fitting_models import FittingModels
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.workers.messages import Failed


class Harness:
    def __init__(self) -> None:
        workers = FakeWorkers()
        self.worker = workers.quick
        self.fitting = FittingModels(workers.submit)
        self.changes = 0
        self.fitting.changed.connect(self._count)

    def _count(self) -> None:
        self.changes += 1

    def measure(self, crystal: str) -> None:
        image = simulate(crystal, size=256, defects=[]).micrograph
        self.fitting.measure(FrameInput(image.pixels, crystal, pixel_size_nm=image.pixel_size_nm))
        self.worker.finish(measure_lattices(image.pixels, image.pixel_size_nm))


def entry(geometry: object, *, sees_residual: bool = False) -> Any:
    spec = SimpleNamespace(lattice_geometry=geometry, sees_residual=sees_residual)
    return SimpleNamespace(spec=spec)


def bundled(name: str) -> Any:
    from napari_stem_defects.io.models.model_file import read_spec

    folder = Path(__file__).parents[4] / "src" / "napari_stem_defects" / "pretrained"
    (path,) = folder.rglob(f"{name}.safetensors")
    spec = read_spec(path)[0]
    return entry(spec.lattice_geometry, sees_residual=spec.sees_residual)


@pytest.mark.parametrize(("shown", "other"), [("cdte-110", "sto-001"), ("sto-001", "cdte-110")])
def test_a_model_of_another_crystal_is_not_offered(shown: str, other: str) -> None:
    harness = Harness()
    assert not harness.fitting.fits(bundled(shown))  # not measured yet
    harness.measure(shown)
    assert harness.fitting.fits(bundled(shown))
    assert not harness.fitting.fits(bundled(other))
    assert harness.fitting.fits(entry(None))
    assert not harness.fitting.fits(bundled("any-crystal"))  # it suggests no windows
    assert harness.changes == 2


def test_without_a_lattice_or_an_image_only_models_of_no_lattice_are_offered() -> None:
    harness = Harness()
    harness.fitting.measure(None)
    assert not harness.worker.jobs
    harness.fitting.measure(FrameInput(np.ones((96, 96), np.float32), "flat"))
    assert harness.fitting.statement == "measuring the lattice…"
    harness.worker.send(Failed("no lattice"))
    assert harness.fitting.statement == "no model fits this image"
    assert not harness.fitting.fits(bundled("cdte-110"))
    assert harness.fitting.fits(entry(None))


@pytest.mark.gui
def test_the_panel_lists_what_fits(viewer: Any, library: Path) -> None:
    write_small_model(library / "any.safetensors")
    assert {each.name for each in list_models()} == {"any", "small"}
    assert find_model("any")
    viewer.layers.clear()
    noise = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    viewer.add_image(noise, name="film")
    widget = docked(viewer, LabelPatchesWidget)
    wait_for(lambda: widget.fitting.is_known)
    combo = widget.queue_row.ensemble
    listed = [combo.itemText(index) for index in range(combo.count())]
    assert listed == [f"{each.name} (user)" for each in list_models() if widget.fitting.fits(each)]
    assert "any (user)" in listed
    assert combo.currentIndex() == 0
    viewer.add_image(crystal(256), name="X", scale=(0.027, 0.027), units=("nm", "nm"))
    widget.image.select(viewer.layers["X"])
    wait_for(lambda: widget.fitting.is_known)
    assert combo.count() >= 1
