from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_stem_defects.simulation import crystals
from napari_stem_defects.simulation.crystals import CDTE_NM, LAYER_NM, PERIOD_NM, Junction

RADIUS_NM = 4.0


def moved(*faults: crystals.Fault) -> np.ndarray:
    position = crystals.zincblende(RADIUS_NM).position
    return position + sum(crystals.displacement(position, fault, 0) for fault in faults)


def tilts(position: np.ndarray, plane: int = 1) -> list[int]:
    """Return the sign of the dumbbells' tilt, layer by layer, from the height -2 nm upwards."""
    normal, axis = crystals.plane_axes(plane)
    half = len(position) // 2
    lower, upper = position[:half], position[half:]
    layer = np.rint(lower @ normal / LAYER_NM).astype(int)
    signs = []
    for number in range(-5, 6):
        here = (layer == number) & (np.abs(lower @ axis) < 1.5)
        reach = (upper[None] - lower[here][:, None]) @ axis
        beside = np.abs((upper[None] - lower[here][:, None]) @ normal - LAYER_NM / 4) < 1e-6
        offset = reach[beside]
        offset = offset[np.abs(offset) < PERIOD_NM / 2]
        assert np.allclose(np.abs(offset), PERIOD_NM / 3)
        signs.append(int(np.sign(offset.mean())))
    return signs


def test_zincblende_has_the_geometry_of_dumbbells() -> None:
    columns = crystals.zincblende(RADIUS_NM)
    half = len(columns.position) // 2
    dumbbells = columns.position[half:] - columns.position[:half]

    assert np.allclose(dumbbells, [0, CDTE_NM / 4])
    for plane in (1, -1):
        normal, axis = crystals.plane_axes(plane)
        assert normal @ axis == pytest.approx(0)
        assert dumbbells[0] @ normal == pytest.approx(LAYER_NM / 4)
        assert dumbbells[0] @ axis == pytest.approx(PERIOD_NM / 3)
        heights = columns.position[:half] @ normal / LAYER_NM
        assert np.allclose(heights, np.rint(heights))


def test_the_two_planes_stand_at_the_tetrahedral_angle() -> None:
    (first, _), (second, _) = crystals.plane_axes(1), crystals.plane_axes(-1)
    assert np.degrees(np.arccos(abs(first @ second))) == pytest.approx(70.53, abs=0.01)


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        ([], "+++++++++++"),
        ([0], "+++++-+++++"),
        ([0, 1], "+++++--++++"),
        ([0, 2], "+++++-+-+++"),
        ([-1, 3], "++++-+++-++"),
    ],
)
def test_a_cut_flips_the_dumbbells_of_its_layer(cuts: list[int], expected: str) -> None:
    faults = [crystals.make_fault("SF1", 1, [cuts])] if cuts else []
    assert "".join("+" if sign > 0 else "-" for sign in tilts(moved(*faults))) == expected


def test_a_twin_flips_all_layers_above_its_boundary() -> None:
    assert tilts(moved(*crystals.make_twin(1, 1))) == [1] * 6 + [-1] * 5


def test_a_lamella_ends() -> None:
    faults = crystals.make_twin(1, -2, 4)
    assert tilts(moved(*faults)) == [1] * 3 + [-1] * 4 + [1] * 4
    assert faults[1].centre_nm - faults[0].centre_nm == pytest.approx(4 * LAYER_NM)


def test_a_twin_is_a_mirror_image_across_its_boundary() -> None:
    (twin,) = crystals.make_twin(1, 0)
    position = moved(twin)
    normal, _ = crystals.plane_axes(1)
    height = position @ normal - twin.centre_nm
    mirrored = position - 2 * np.outer(height, normal)
    inner = np.hypot(*position.T) < 2
    away = np.hypot(*(mirrored[inner][:, None] - position[None]).transpose(2, 0, 1)).min(axis=1)
    assert np.abs(away).max() < 1e-6


@pytest.mark.parametrize("plane", [1, -1])
@pytest.mark.parametrize("cuts", [[0], [0, 1], [0, 2], list(range(50))])
def test_no_fault_pushes_columns_together(plane: int, cuts: list[int]) -> None:
    position = crystals.zincblende(RADIUS_NM).position
    fault = crystals.make_fault("SF1", plane, [cuts])
    faulted = position + crystals.displacement(position, fault, 0)
    inner = np.hypot(*position.T) < 3
    nearest = cKDTree(faulted).query(faulted[inner], 2)[0][:, 1]
    assert np.allclose(nearest, CDTE_NM / 4)


def test_slices_of_an_overlapped_fault_differ_only_in_the_band() -> None:
    position = crystals.zincblende(RADIUS_NM).position
    fault = crystals.make_fault("SF1", 1, [[-1], [0], [1]])
    normal, _ = crystals.plane_axes(1)
    first, last = (crystals.displacement(position, fault, depth) for depth in (0, 2))
    differ = np.hypot(*(first - last).T) > 1e-9
    away = np.abs(position @ normal - fault.centre_nm)
    assert differ.any()
    assert away[differ].max() < fault.half_width_nm
    assert (crystals.band(position[differ], fault) > 0).all()


def junction(directions: tuple[int, int]) -> Junction:
    faults = (
        crystals.make_fault("SF1", -1, [[0]]),
        crystals.make_fault("SF2", 1, [[0, 2]]),
    )
    return Junction(faults, directions, crystals.crossing(*faults))


@pytest.mark.parametrize("directions", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_a_junction_moves_the_wedge_between_its_faults_only(directions: tuple[int, int]) -> None:
    made = junction(directions)
    position = crystals.zincblende(RADIUS_NM).position
    shift = np.hypot(*crystals.junction_displacement(position, made, 0).T)
    arms = [
        d * crystals.plane_axes(f.plane)[1] for d, f in zip(directions, made.faults, strict=True)
    ]
    inside = made.core_nm + (arms[0] + arms[1])
    outside = made.core_nm - (arms[0] + arms[1])
    assert (shift[np.hypot(*(position - outside).T) < 0.5] == 0).all()
    assert (shift[np.hypot(*(position - inside).T) < 0.5] > 0).all()


def test_far_along_an_arm_a_junction_is_the_plain_fault() -> None:
    made = junction((1, 1))
    fault = made.faults[0]
    _, axis = crystals.plane_axes(fault.plane)
    position = crystals.zincblende(60).position
    here = np.hypot(*(position - made.core_nm - 50 * axis).T) < 1
    normal, _ = crystals.plane_axes(fault.plane)
    along = crystals.junction_displacement(position[here], made, 0) @ axis
    above = position[here] @ normal > crystals.cut_height(0)
    assert np.allclose(along[~above], 0)
    assert np.allclose(along[above] / PERIOD_NM % 1, 1 / 3, atol=0.02)


def test_nearest_layer_finds_the_cut() -> None:
    assert [crystals.nearest_layer(crystals.cut_height(k) + 0.1) for k in (-3, 0, 5)] == [-3, 0, 5]


def test_perovskite_counts_its_columns() -> None:
    species = crystals.perovskite(5.0).species
    strontium, titanium, oxygen = np.bincount(species)
    assert titanium == pytest.approx(strontium, rel=0.05)
    assert oxygen == pytest.approx(2 * strontium, rel=0.05)
