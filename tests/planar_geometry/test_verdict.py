"""What the geometry means for a name, and why a name could not be verified."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from planar_scenes import PlanarScene, planar_scene, zincblende
from scipy import ndimage

from napari_stem_defects.lattice.measurement import LatticeMeasurement, measure_lattices
from napari_stem_defects.planar_geometry.relation import Relation
from napari_stem_defects.planar_geometry.verdict import Check, check_line, describe

if TYPE_CHECKING:
    from napari_stem_defects.simulation.any_lattice_specimen import Form


@pytest.fixture(scope="module")
def fault() -> PlanarScene:
    return planar_scene(zincblende(12.0), "fault", 1 / 3, seed=7)


def check(scene: PlanarScene, name: str) -> Check:
    return check_line(name, scene.line, scene.pixels, scene.lattice)


def test_names_are_confirmed_contradicted_or_measured(fault: PlanarScene) -> None:
    kinds = {"intrinsic stacking fault", "extrinsic stacking fault"}
    assert check(fault, "SF1").verdict == check(fault, "SF2").verdict == "confirmed"
    assert check(fault, "SF1").looks_like in kinds
    assert check(fault, "Twin_Bound").verdict == "contradicted"
    assert check(fault, "my wall").verdict == "measured"
    assert check(fault, "my wall").looks_like in kinds


def test_a_tilt_boundary_contradicts_a_fault_and_a_twin() -> None:
    scene = planar_scene(zincblende(12.0), "grain", 17.0, seed=7)
    for name in ("SF1", "Twin_Bound"):
        found = check(scene, name)
        assert found.verdict == "contradicted"
        assert re.fullmatch(r"boundary, (16\.[789]|17\.[0123]) degrees", found.looks_like)


def test_a_short_line_on_a_tilt_boundary_is_contradicted_too() -> None:
    scene = planar_scene(zincblende(12.0), "grain", 17.0, seed=7)
    middle = scene.line.mean(axis=0)
    short = scene._replace(line=middle + 0.15 * (scene.line - middle))
    assert check(short, "SF1").verdict == "contradicted"


def test_a_rotation_that_may_be_strain_contradicts_nothing() -> None:
    scene = planar_scene(zincblende(12.0), "grain", 1.8, seed=7)
    assert check(scene, "SF1").verdict == "not verified"
    assert "strain" in check(scene, "SF1").reason
    assert check(scene, "my wall").verdict == "measured"


def test_a_twin_is_confirmed() -> None:
    found = check(planar_scene(zincblende(12.0), "twin", seed=7), "Twin_Bound")
    assert (found.verdict, found.looks_like) == ("confirmed", "twin boundary")


@pytest.mark.parametrize("period_px", [9.5, 19.0, 30.0, 46.0])
@pytest.mark.parametrize(
    ("form", "amount", "name", "words"),
    [
        ("fault", 1 / 3, "SF1", "stacking fault"),
        ("twin", 0.0, "Twin_Bound", "twin boundary"),
        ("grain", 17.0, "SF1", "boundary, 17"),
    ],
)
def test_verdicts_at_any_magnification(
    form: Form, amount: float, name: str, words: str, period_px: float
) -> None:
    """Images of many px per period are averaged, which changes no frequency."""
    crystal = replace(zincblende(12.0), vectors=scaled(zincblende(12.0).vectors, period_px / 14.7))
    scene = planar_scene(crystal, form, amount, seed=7, size=round(21 * period_px))
    found = check(scene, name)
    assert found.verdict == ("contradicted" if form == "grain" else "confirmed")
    assert words in found.looks_like.replace("16.9", "17").replace("16.8", "17")


def scaled(vectors: tuple[tuple[float, float], ...], factor: float) -> Any:
    return tuple((factor * y, factor * x) for y, x in vectors)


def test_a_twin_in_a_stretched_scan_is_confirmed() -> None:
    """Stretch and shear act in opposite senses on both sides of a mirror."""
    scene = planar_scene(zincblende(37.0), "twin", seed=7)
    height, width = scene.pixels.shape
    stretched = ndimage.affine_transform(
        scene.pixels, [[1 / 1.045, 0], [0.03, 1]], order=3, mode="reflect"
    )[20 : height - 20, 20 : width - 20]
    line = np.column_stack(
        [1.045 * scene.line[:, 0], scene.line[:, 1] - 0.03 * 1.045 * scene.line[:, 0]]
    )
    found = check_line("Twin_Bound", line - 20, stretched, measure_lattices(stretched))
    assert (found.verdict, found.looks_like) == ("confirmed", "twin boundary")


def test_one_distorted_side_contradicts_nothing() -> None:
    """An image that shows one lattice has no boundary between different ones."""
    scene = planar_scene(zincblende(0.0), "fault", 1 / 3, seed=7)
    y, x = np.indices(scene.pixels.shape, dtype=float)
    along = (scene.line[1] - scene.line[0]) / np.hypot(*(scene.line[1] - scene.line[0]))
    across = np.array([-along[1], along[0]])
    away = np.maximum((y - scene.line[0, 0]) * across[0] + (x - scene.line[0, 1]) * across[1], 0)
    squeezed = ndimage.map_coordinates(
        scene.pixels, [y + 0.12 * away * across[0], x + 0.12 * away * across[1]], mode="reflect"
    ).astype(np.float32)
    found = check_line("SF1", scene.line, squeezed, scene.lattice)
    assert (found.verdict, found.relation) == ("not verified", None)
    assert "one lattice" in found.reason


def test_what_cannot_be_judged_states_its_reason(fault: PlanarScene) -> None:
    none = LatticeMeasurement("none", "no lattice")
    line, middle = fault.line, fault.line.mean(axis=0)
    bent = np.stack([line[0], middle + 40, line[1]])
    short = middle + 0.1 * (line - middle)
    edge = np.array([[5.0, 10.0], [5.0, 300.0]])
    reasons = [
        check_line("SF1", line, fault.pixels, none).reason,
        check_line("SF1", bent, fault.pixels, fault.lattice).reason,
        check_line("SF1", short, fault.pixels, fault.lattice).reason,
        check_line("SF1", edge, fault.pixels, fault.lattice).reason,
        check_line("SF1", line, _noise(fault), fault.lattice).reason,
    ]
    assert reasons == [
        "the image shows no lattice",
        "the line is bent",
        "shorter than 5 lattice periods",
        "too little crystal on one side: the border or another defect is near",
        "no lattice stands out from the noise on one side",
    ]


def _noise(scene: PlanarScene) -> np.ndarray:
    return np.random.default_rng(0).poisson(3, scene.pixels.shape).astype(np.float32)


@pytest.mark.parametrize(
    ("relation", "text"),
    [
        (Relation("twin"), "twin boundary"),
        (Relation("none"), "perfect crystal: one lattice, no shift"),
        (Relation("boundary", 12.34), "boundary, 12.3 degrees"),
        (Relation("boundary"), "boundary between different lattices"),
        (Relation("fault", shifted_layers=1), "intrinsic stacking fault"),
        (Relation("fault", shifted_layers=2), "extrinsic stacking fault"),
        (Relation("fault"), "fault with a shift of the lattice"),
    ],
)
def test_words(relation: Relation, text: str) -> None:
    assert describe(relation) == text
