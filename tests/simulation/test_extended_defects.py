"""Faults, twins and junctions displace the columns as crystallography requires."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_stem_defects.simulation import crystals, extended_defects
from napari_stem_defects.simulation.crystals import CDTE_NM, LAYER_NM, PERIOD_NM
from napari_stem_defects.simulation.extended_defects import Junction

RADIUS_NM = 4.0


def moved(*faults: extended_defects.Fault) -> np.ndarray:
    position = crystals.zincblende(RADIUS_NM).position
    return position + sum(extended_defects.displacement(position, fault, 0) for fault in faults)


def tilts(position: np.ndarray, plane: int = 1) -> list[int]:
    """Return the sign of the dumbbells' tilt, layer by layer, from the height -2 nm upwards."""
    normal, axis = extended_defects.plane_axes(plane)
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


def test_the_two_planes_stand_at_the_tetrahedral_angle() -> None:
    (first, _), (second, _) = extended_defects.plane_axes(1), extended_defects.plane_axes(-1)
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
    faults = [extended_defects.make_fault("SF1", 1, [cuts])] if cuts else []
    assert "".join("+" if sign > 0 else "-" for sign in tilts(moved(*faults))) == expected


def test_a_twin_flips_all_layers_above_its_boundary() -> None:
    assert tilts(moved(*extended_defects.make_twin(1, 1))) == [1] * 6 + [-1] * 5


def test_a_lamella_ends() -> None:
    faults = extended_defects.make_twin(1, -2, 4)
    assert tilts(moved(*faults)) == [1] * 3 + [-1] * 4 + [1] * 4
    assert faults[1].centre_nm - faults[0].centre_nm == pytest.approx(4 * LAYER_NM)


def test_a_twin_is_a_mirror_image_across_its_boundary() -> None:
    (twin,) = extended_defects.make_twin(1, 0)
    position = moved(twin)
    normal, _ = extended_defects.plane_axes(1)
    height = position @ normal - twin.centre_nm
    mirrored = position - 2 * np.outer(height, normal)
    inner = np.hypot(*position.T) < 2
    away = np.hypot(*(mirrored[inner][:, None] - position[None]).transpose(2, 0, 1)).min(axis=1)
    assert np.abs(away).max() < 1e-6


@pytest.mark.parametrize("plane", [1, -1])
@pytest.mark.parametrize("cuts", [[0], [0, 1], [0, 2], list(range(50))])
def test_no_fault_pushes_columns_together(plane: int, cuts: list[int]) -> None:
    position = crystals.zincblende(RADIUS_NM).position
    fault = extended_defects.make_fault("SF1", plane, [cuts])
    faulted = position + extended_defects.displacement(position, fault, 0)
    inner = np.hypot(*position.T) < 3
    nearest = cKDTree(faulted).query(faulted[inner], 2)[0][:, 1]
    assert np.allclose(nearest, CDTE_NM / 4)


def test_slices_of_an_overlapped_fault_differ_only_in_the_band() -> None:
    position = crystals.zincblende(RADIUS_NM).position
    fault = extended_defects.make_fault("SF1", 1, [[-1], [0], [1]])
    normal, _ = extended_defects.plane_axes(1)
    first, last = (extended_defects.displacement(position, fault, depth) for depth in (0, 2))
    differ = np.hypot(*(first - last).T) > 1e-9
    away = np.abs(position @ normal - fault.centre_nm)
    assert differ.any()
    assert away[differ].max() < fault.half_width_nm
    assert (extended_defects.band(position[differ], fault) > 0).all()


def junction(directions: tuple[int, int]) -> Junction:
    faults = (
        extended_defects.make_fault("SF1", -1, [[0]]),
        extended_defects.make_fault("SF2", 1, [[0, 2]]),
    )
    return Junction(faults, directions, extended_defects.crossing(*faults))


@pytest.mark.parametrize("directions", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_a_junction_moves_the_wedge_between_its_faults_only(directions: tuple[int, int]) -> None:
    made = junction(directions)
    position = crystals.zincblende(RADIUS_NM).position
    shift = np.hypot(*extended_defects.junction_displacement(position, made, 0).T)
    arms = [
        d * extended_defects.plane_axes(f.plane)[1]
        for d, f in zip(directions, made.faults, strict=True)
    ]
    inside = made.core_nm + (arms[0] + arms[1])
    outside = made.core_nm - (arms[0] + arms[1])
    assert (shift[np.hypot(*(position - outside).T) < 0.5] == 0).all()
    assert (shift[np.hypot(*(position - inside).T) < 0.5] > 0).all()


def test_far_along_an_arm_a_junction_is_the_plain_fault() -> None:
    made = junction((1, 1))
    fault = made.faults[0]
    _, axis = extended_defects.plane_axes(fault.plane)
    position = crystals.zincblende(60).position
    here = np.hypot(*(position - made.core_nm - 50 * axis).T) < 1
    normal, _ = extended_defects.plane_axes(fault.plane)
    along = extended_defects.junction_displacement(position[here], made, 0) @ axis
    above = position[here] @ normal > extended_defects.cut_height(0)
    assert np.allclose(along[~above], 0)
    assert np.allclose(along[above] / PERIOD_NM % 1, 1 / 3, atol=0.02)


def test_nearest_layer_finds_the_cut() -> None:
    assert [
        extended_defects.nearest_layer(extended_defects.cut_height(k) + 0.1) for k in (-3, 0, 5)
    ] == [-3, 0, 5]


def test_is_in_wedge_includes_the_bands_of_both_faults() -> None:
    made = junction((1, 1))
    on_faults = np.array(
        [
            extended_defects.line_through(fault, np.array(made.core_nm), (1.0, 2.0))[1]
            + 1.5 * fault.half_width_nm * np.array(toward)
            for fault, toward in zip(made.faults, wedge_normals(made), strict=True)
        ]
    )
    assert extended_defects.is_in_wedge(on_faults, made).all()
    assert not extended_defects.is_in_wedge(2 * np.array([made.core_nm]) - on_faults, made).any()


def wedge_normals(made: Junction) -> list[np.ndarray]:
    """Return the normal of each fault that points into the wedge."""
    normals = []
    for fault, other, direction in zip(
        made.faults, made.faults[::-1], made.directions[::-1], strict=True
    ):
        normal, _ = extended_defects.plane_axes(fault.plane)
        _, axis = extended_defects.plane_axes(other.plane)
        normals.append(normal * np.sign(normal @ axis * direction))
    return normals


def test_band_is_one_in_the_middle_and_zero_outside() -> None:
    fault = extended_defects.make_fault("SF1", 1, [[0, 2]])
    normal, axis = extended_defects.plane_axes(1)
    heights = fault.centre_nm + np.array([0, 0.5, -3, 3]) * fault.half_width_nm
    position = heights[:, None] * normal + np.array([0, 1, 2, 3])[:, None] * axis
    assert extended_defects.band(position, fault).tolist() == [1, 1, 0, 0]


def test_line_through_projects_the_point_onto_the_centre_line() -> None:
    fault = extended_defects.make_fault("SF1", -1, [[4]])
    normal, axis = extended_defects.plane_axes(-1)
    start, end = extended_defects.line_through(fault, np.array([0.3, -0.7]), (-1.0, 2.5))
    assert start @ normal == pytest.approx(fault.centre_nm)
    assert end @ normal == pytest.approx(fault.centre_nm)
    assert (end - start) @ axis == pytest.approx(3.5)


def test_crossing_lies_on_both_centre_lines() -> None:
    made = junction((1, -1))
    for fault in made.faults:
        normal, _ = extended_defects.plane_axes(fault.plane)
        assert np.array(made.core_nm) @ normal == pytest.approx(fault.centre_nm)
