"""Model files of quick models: the same checks, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from quick_models import CLASSES, quick_filters, quick_model
from safetensors import safe_open
from safetensors.numpy import save_file
from spot_images import clicked_spots, spot_image

from napari_stem_defects.detection.detect_matched import quick_model as quick_filters_of
from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models.model_file import load_model, read_spec, save_model
from napari_stem_defects.matched_filter.like_sites import SiteFilter, filter_edges
from napari_stem_defects.matched_filter.templates import REACH, gaussian_weight
from napari_stem_defects.networks.architecture import MATCHED_FILTER
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.training.quick import quick_ensemble, train_quick


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "quick.safetensors"
    save_model(quick_model(), target)
    return target


def test_a_quick_model_comes_back(path: Path) -> None:
    model = load_model(path)
    assert model.spec == quick_model().spec
    assert model.spec.architecture.name == MATCHED_FILTER
    for name, array in quick_model().weights.items():
        np.testing.assert_array_equal(model.weights[name], array)
    assert read_spec(path)[0].classes == ("Bulk", "GB", "Vac")


def _with_sites(count: int) -> tuple[Ensemble, list[NDArray[np.float32]]]:
    """Return a model with a site filter of so many patterns, and these."""
    filters = quick_filters()
    rng = np.random.default_rng(3)
    edges = filter_edges(filters.samples)[:count]
    patterns = [rng.normal(size=(edge, edge)).astype(np.float32) for edge in edges]
    boundary, vacancy = filters.classes
    vacancy = replace(vacancy, sites=(SiteFilter(*patterns),))
    filters = replace(filters, classes=(boundary, vacancy))
    return quick_ensemble(filters, CLASSES, "sites", []), patterns


def _header(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="numpy") as file:
        header: dict[str, Any] = json.loads(file.metadata()["napari_stem_defects"])
    return header


def test_without_like_sites_the_file_is_one_that_earlier_versions_read(path: Path) -> None:
    header = _header(path)
    assert header["format_version"] == 3
    assert "sites" not in header["spec"]["architecture"]


@pytest.mark.parametrize(("patterns", "version"), [(2, 4), (3, 6)])
def test_with_like_sites_the_file_has_a_newer_format(
    tmp_path: Path, patterns: int, version: int
) -> None:
    save_model(_with_sites(patterns)[0], tmp_path / "sites.safetensors")
    header = _header(tmp_path / "sites.safetensors")
    assert header["format_version"] == version
    assert header["spec"]["architecture"]["sites"] == [0, 1]


def test_the_views_of_lines_come_back_in_a_newer_format(tmp_path: Path) -> None:
    filters = quick_filters()
    edge = gaussian_weight(filters.samples, REACH["line"]).shape[0]
    views = tuple(np.random.default_rng(4).normal(size=(2, edge, edge)).astype(np.float32))
    boundary, vacancy = filters.classes
    filters = replace(filters, classes=(replace(boundary, views=views), vacancy))
    path = tmp_path / "views.safetensors"
    save_model(quick_ensemble(filters, CLASSES, "views", []), path)
    header = _header(path)
    assert header["format_version"] == 6
    assert header["spec"]["architecture"]["views"] == [2, 0]
    read = quick_filters_of(load_model(path))
    np.testing.assert_array_equal(read.classes[0].views, views)
    assert read.classes[1].views == ()


@pytest.mark.parametrize("size", [None, 0.02])
def test_of_spots_the_file_has_a_format_that_earlier_versions_refuse_by_its_number(
    tmp_path: Path, size: float | None
) -> None:
    spots = train_quick([clicked_spots(spot_image(pixel_size_nm=size), 3)], ()).ensemble
    path = tmp_path / "spots.safetensors"
    save_model(spots, path)
    assert _header(path)["format_version"] == 5
    window = quick_filters_of(load_model(path)).window
    assert window is not None
    assert window == quick_filters_of(spots).window
    assert (window.nm is None) == (size is None)


@pytest.mark.parametrize("count", [2, 3])
def test_site_filters_come_back(tmp_path: Path, count: int) -> None:
    """Those of earlier versions have two patterns."""
    model, patterns = _with_sites(count)
    save_model(model, tmp_path / "sites.safetensors")
    read = load_model(tmp_path / "sites.safetensors")
    (found,) = quick_filters_of(read).classes[1].sites
    assert sum(each is not None for each in found) == count
    for loaded, stored in zip(found, patterns, strict=False):
        np.testing.assert_array_equal(loaded, stored)


def test_saving_and_loading_load_no_torch(path: Path) -> None:
    code = (
        "import sys; from napari_stem_defects.io.models.model_file import load_model, save_model;"
        "import pathlib; save_model(load_model(sys.argv[1]), sys.argv[1]);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=120)


def _edited(path: Path, change: object) -> Path:
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    header = json.loads(metadata["napari_stem_defects"])
    change(tensors, header)  # type: ignore[operator]
    save_file(tensors, path, {"napari_stem_defects": json.dumps(header)})
    return path


def _set_architecture(**entries: object) -> object:
    return lambda _, header: header["spec"]["architecture"].update(entries)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, _: t["1.pattern"].fill(0), "hash differs"),
        (lambda t, _: t.pop("1.noise"), "missing tensors"),
        (lambda t, _: t["1.pattern"].fill(np.nan), "not finite"),
        (_set_architecture(samples=9.0), "shape"),
        (_set_architecture(samples=1e9), "out of range"),
        (_set_architecture(templates=[0, 10**9]), "out of range"),
        (_set_architecture(templates=[0]), "do not agree"),
        (_set_architecture(templates=[]), "out of range"),
        (_set_architecture(name="matched-filter-9"), "malformed"),
        (lambda _, h: h["spec"].update(classes=["GB", "Bulk", "Vac"]), "do not agree"),
    ],
)
def test_a_damaged_quick_model_is_one_line(path: Path, change: object, message: str) -> None:
    with pytest.raises(ModelError, match=message) as error:
        load_model(_edited(path, change))
    assert "\n" not in str(error.value)
    assert "quick.safetensors" in str(error.value)
