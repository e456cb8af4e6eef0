"""Fixtures of the panel tests; settings and library of the user stay untouched."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from panels import crystal
from qtpy.QtTest import QTest
from small_model import write_small_model

from napari_stem_defects.io.labels import automatic_project
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.napari_plugin.panels.common import settings as settings_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def frozen_objects() -> None:
    """Leave out what the first viewers import, too, when garbage is looked for.

    What a test makes is collected as ever.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return settings that last as long as the test; the small model is selected, not "auto"."""
    kept = SimpleNamespace(**{name: SimpleNamespace() for name in settings_module.CATEGORIES})
    kept.detect.model = "small (user)"
    monkeypatch.setattr(settings_module, "_all", lambda: kept)
    return kept


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a library of models with one in it, instead of the user's."""
    folder = tmp_path / "models"
    folder.mkdir()
    write_small_model(folder / "small.safetensors", lattice_nm=0.374)
    monkeypatch.setattr(library_module, "user_folder", lambda: folder)
    monkeypatch.setattr(library_module, "BUNDLED", tmp_path)
    return folder


@pytest.fixture(autouse=True)
def automatic_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of projects that start by themselves, instead of the user's."""
    folder = tmp_path / "label-projects"
    monkeypatch.setattr(automatic_project, "projects_folder", lambda: folder)
    return folder


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any]) -> Iterator[Any]:
    """Return a visible viewer with a calibrated crystal, at a laptop's size."""
    made = make_napari_viewer(show=True)
    made.window._qt_window.resize(1280, 800)
    made.add_image(crystal(256), name="CdTe", scale=(0.027, 0.027), units=("nm", "nm"))
    QTest.qWait(100)
    yield made
    QTest.qWait(50)
