"""Checks of planar defects in results: written, moved to unknown, found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planar_scenes import PlanarScene, planar_scene, zincblende
from probability_maps import blank_map

from napari_stem_defects.detection.drawn_masks import draw_masks
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.detection.planar_checks import (
    PLANAR_CHECKS,
    annotate,
    apply_checks,
    check_regions,
    shifted_checks,
    still_unknown,
)
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import measure_regions, number_regions, totals
from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

NM = 0.027
LIMITS = {"SF1": 0.5, "Twin_Bound": 0.5}


@pytest.fixture(scope="module")
def tilt() -> PlanarScene:
    return planar_scene(zincblende(12.0), "grain", 17.0, seed=7)


def called(scene: PlanarScene, name: str) -> ProbabilityMap:
    """Return a map in which the line of a scene has a class, and a second one at its side."""
    found = blank_map("SF1", "Twin_Bound", shape=scene.pixels.shape)
    y, x = np.meshgrid(found.y, found.x, indexing="ij")
    along = scene.line[1] - scene.line[0]
    along = along / np.hypot(*along)
    away = (y - scene.line[0, 0]) * along[1] - (x - scene.line[0, 1]) * along[0]
    found.probability[found.classes.index(name)] = np.clip(1.3 - np.abs(away) / 12, 0, 0.98)
    return found


def drawn(scene: PlanarScene, name: str) -> tuple[ProbabilityMap, MaskStack, tuple[Region, ...]]:
    found = called(scene, name)
    masks = draw_masks(found, scene.pixels.shape, {"thresholds": LIMITS}, None)
    return found, masks, measure_regions(found, masks, image="a", pixel_size_nm=NM)


def test_a_tilt_boundary_called_fault_becomes_unknown(tilt: PlanarScene) -> None:
    found, masks, regions = drawn(tilt, "SF1")
    checks = check_regions(regions, tilt.pixels, tilt.lattice, None, NM)
    moved, (region,) = apply_checks(found, masks, regions, checks)
    assert (region.class_name, region.region, region.kind) == ("unknown", 1, "line")
    assert region.geometry == "contradicted"
    assert region.looks_like.startswith("boundary, 1")
    assert region.misorientation_deg == pytest.approx(17.0, abs=0.3)
    assert region.length_nm == regions[0].length_nm
    before, after = masks.masks(), moved.masks()
    assert not after[0].any()
    np.testing.assert_array_equal(after[-1], before[0])
    assert totals((region,), masks.names)["SF1"].count == 0
    assert not number_regions(found, moved)[0].any()


def test_a_fault_keeps_its_name_and_gets_its_shift() -> None:
    scene = planar_scene(zincblende(12.0), "fault", 1 / 3, seed=7)
    found, masks, regions = drawn(scene, "SF1")
    checks = check_regions(regions, scene.pixels, scene.lattice, None, NM)
    same, (region,) = apply_checks(found, masks, regions, checks)
    assert same is masks
    assert (region.class_name, region.geometry) == ("SF1", "confirmed")
    assert region.shifted_layers in (1, 2)
    shift = np.hypot(region.shift_y_nm or 0, region.shift_x_nm or 0)
    assert shift == pytest.approx(14.7 * NM / 3, abs=0.008)
    assert region.shift_error_nm is not None
    assert region.plane in ("[1 0]", "[0 1]")


def test_without_a_pixel_size_the_shift_is_in_lattice_units_only() -> None:
    scene = planar_scene(zincblende(12.0), "fault", 1 / 3, seed=7)
    _, _, regions = drawn(scene, "SF1")
    (check,) = check_regions(regions, scene.pixels, scene.lattice, None, None)
    assert "shift_y_nm" not in check["fields"]
    assert np.hypot(check["fields"]["shift_a"], check["fields"]["shift_b"]) > 0.2


def test_checks_hold_for_other_thresholds_and_say_where_they_do_not(tilt: PlanarScene) -> None:
    found, masks, regions = drawn(tilt, "SF1")
    checks = check_regions(regions, tilt.pixels, tilt.lattice, None, NM)
    result = FrameResult(
        image="a",
        frame=0,
        map=found,
        names=masks.names,
        numbered=number_regions(found, masks),
        regions=regions,
        invalid=None,
        pixel_size_nm=NM,
        parameters={"thresholds": LIMITS, PLANAR_CHECKS: checks},
        seconds=0.0,
    )
    other = result.with_thresholds({"SF1": 0.6})
    assert [each.class_name for each in other.regions] == ["unknown"]
    assert not (other.numbered[0] > 0).any()
    corrected = other.with_masks(other.detection().mask_stack)
    assert [each.class_name for each in corrected.regions] == ["unknown"]
    elsewhere = shifted_checks(checks, 150, 150)
    (region,) = annotate(regions, elsewhere)
    assert region.geometry == "not verified"
    assert region.geometry_note


def test_the_check_of_a_line_is_not_that_of_a_similar_one_beside_it(tilt: PlanarScene) -> None:
    _, _, regions = drawn(tilt, "SF1")
    beside = tuple((y + 20, x + 20) for y, x in regions[0].centre_line)
    pair = regions[0], replace(regions[0], region=2, centre_line=beside)
    checks = [
        {
            "class": "SF1",
            "line": [list(point) for point in each.centre_line],
            "fields": {"looks_like": f"line {each.region}"},
        }
        for each in pair
    ]
    assert [each.looks_like for each in annotate(pair, checks)] == ["line 1", "line 2"]
    (moved,) = annotate(pair[1:], checks[:1])  # of other thresholds, a little elsewhere
    assert moved.looks_like == "line 1"


def test_results_without_checks_stay_as_they_are(tilt: PlanarScene) -> None:
    found, masks, regions = drawn(tilt, "SF1")
    assert apply_checks(found, masks, regions, None) == (masks, regions)
    assert annotate(regions, None) == regions


def test_an_unknown_line_that_was_given_a_class_is_no_longer_unknown(tilt: PlanarScene) -> None:
    _, masks, (region,) = drawn(tilt, "SF1")
    unknown = replace(region, class_name="unknown")
    assert still_unknown((unknown,), masks) == ()
    moved = masks.masks()
    moved[-1] = moved[0]
    assert still_unknown((unknown, region), MaskStack.from_array(masks.names, moved)) == (unknown,)


def test_the_end_of_a_boundary_is_no_fault(tilt: PlanarScene) -> None:
    """A piece with too little crystal beside it takes over what the rest of the line is."""
    _, _, (region,) = drawn(tilt, "SF1")
    start, end = (np.array(region.centre_line[at]) for at in (0, -1))
    along = (end - start) / np.hypot(*(end - start))
    parts = [
        replace(region, centre_line=tuple(map(tuple, part)))
        for part in ((start, start + 18 * along), (start + 30 * along, end))
    ]
    short, rest = check_regions(parts, tilt.pixels, tilt.lattice, None, NM)
    assert rest["fields"]["geometry"] == short["fields"]["geometry"] == "contradicted"
    assert short["fields"]["looks_like"] == rest["fields"]["looks_like"]
    assert "piece" in short["fields"]["geometry_note"]
    far = replace(
        parts[0],
        centre_line=tuple((y + 60 * along[1], x - 60 * along[0]) for y, x in parts[0].centre_line),
    )
    elsewhere, _ = check_regions([far, parts[1]], tilt.pixels, tilt.lattice, None, NM)
    assert elsewhere["fields"]["geometry"] != "contradicted"
