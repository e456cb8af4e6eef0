"""Lines of the general model get the name that the geometry of both sides shows."""

from __future__ import annotations

import numpy as np
import pytest
from planar_scenes import planar_scene, zincblende
from probability_maps import blank_map

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.detection.drawn_masks import draw_masks
from napari_stem_defects.detection.generic_lines import (
    around_cores,
    continued_names,
    doubles,
    geometric_name,
    is_perfect,
)
from napari_stem_defects.detection.planar_checks import apply_checks, check_regions
from napari_stem_defects.planar_geometry.relation import Relation
from napari_stem_defects.planar_geometry.verdict import Check
from napari_stem_defects.postprocessing.regions import measure_regions, number_regions
from napari_stem_defects.postprocessing.results import ProbabilityMap

NM = 0.027
CLASSES = (DefectClass("Fault", "line"), DefectClass("Boundary", "line"))


def line_map(scene, name: str) -> ProbabilityMap:
    found = blank_map("Fault", "Boundary", shape=scene.pixels.shape)
    found = ProbabilityMap(found.probability, found.y, found.x, found.classes, found.valid, CLASSES)
    y, x = np.meshgrid(found.y, found.x, indexing="ij")
    along = scene.line[1] - scene.line[0]
    along = along / np.hypot(*along)
    away = (y - scene.line[0, 0]) * along[1] - (x - scene.line[0, 1]) * along[0]
    found.probability[found.classes.index(name)] = np.clip(1.3 - np.abs(away) / 12, 0, 0.98)
    return found


def checked(scene, name: str, **options):
    found = line_map(scene, name)
    limits = {"thresholds": {"Fault": 0.5, "Boundary": 0.5}}
    masks = draw_masks(found, scene.pixels.shape, limits, None)
    regions = measure_regions(found, masks, image="a", pixel_size_nm=NM)
    checks = check_regions(regions, scene.pixels, scene.lattice, None, NM, **options)
    moved, after = apply_checks(found, masks, regions, checks, NM)
    return regions, after, number_regions(found, moved), moved.names


def test_a_boundary_found_as_a_fault_is_named_boundary() -> None:
    tilt = planar_scene(zincblende(12.0), "grain", 17.0, seed=7)
    (before,), (region,), numbered, names = checked(tilt, "Fault", is_general=True)
    assert (before.class_name, region.class_name, region.region) == ("Fault", "Boundary", 1)
    assert region.looks_like.startswith("boundary, 1")
    assert region.geometry_note == "named Fault by its look alone"
    assert region.length_nm == pytest.approx(before.length_nm)
    assert region.mean_probability == before.mean_probability
    assert numbered[names.index("Fault")].max() == 0
    assert (numbered[names.index("Boundary")] > 0).sum() == region.area_px


def test_the_same_name_in_a_model_of_ones_own_stays() -> None:
    tilt = planar_scene(zincblende(12.0), "grain", 17.0, seed=7)
    _, (region,), _, _ = checked(tilt, "Fault")
    assert region.class_name == "Fault"
    assert region.geometry_note == "the name means no certain geometry"


@pytest.mark.parametrize("name", ["Fault", "Boundary"])
def test_a_line_in_perfect_crystal_is_neither_fault_nor_boundary(name: str) -> None:
    scene = planar_scene(zincblende(12.0), "fault", 0.0, seed=7)
    (before,), (region,), numbered, names = checked(scene, name, is_general=True)
    assert (before.class_name, region.class_name) == (name, "unknown")
    assert region.geometry == "contradicted"
    assert region.looks_like == "perfect crystal: one lattice, no shift"
    assert region.length_nm == pytest.approx(before.length_nm)
    assert numbered[names.index(name)].max() == 0
    _, (own,), _, _ = checked(scene, name)
    assert own.class_name == name


@pytest.mark.parametrize(
    ("check", "perfect"),
    [
        (Check("measured", relation=Relation("none")), True),
        (Check("measured", relation=Relation("fault")), False),
        (Check("not verified", reason="too noisy", relation=Relation("none")), False),
        (Check("not verified", reason="the line is bent"), False),
    ],
)
def test_only_what_was_measured_is_perfect(check: Check, perfect: bool) -> None:
    assert is_perfect(check) == perfect


@pytest.mark.parametrize(
    ("relation", "name"),
    [
        (Relation("twin"), "Boundary"),
        (Relation("boundary", misorientation_deg=12.0), "Boundary"),
        (Relation("boundary", misorientation_deg=2.0), None),
        (Relation("boundary"), None),
        (Relation("fault"), "Fault"),
        (Relation("none"), None),
    ],
)
def test_only_clear_geometry_names(relation: Relation, name: str | None) -> None:
    assert geometric_name(relation) == name


def test_two_names_at_one_place_become_the_longer_one() -> None:
    long = np.array([[50.0, 0.0], [50.0, 200.0]])
    beside = np.array([[55.0, 40.0], [52.0, 90.0]])
    apart = np.array([[90.0, 40.0], [90.0, 90.0]])
    lines, names = [beside, long, apart], ["Fault", "Boundary", "Fault"]
    assert doubles(lines, names, 10.0) == {0: 1}
    assert doubles(lines, ["Boundary"] * 3, 10.0) == {}


def test_short_lines_at_a_core_are_its_surroundings() -> None:
    angle = np.linspace(0, 5, 30)
    ring = 60 + 14 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    beside = np.array([[150.0, 100], [150, 130]])
    boundary = np.array([[60.0, 20], [60, 200]])
    cores = np.array([[60.0, 60], [300, 300]])
    assert around_cores([ring, beside, boundary], cores, 10.0) == [0]
    assert around_cores([ring, beside, boundary], np.zeros((0, 2)), 10.0) == []


def test_the_end_of_a_verified_fault_has_its_name() -> None:
    fault = np.array([(100.0, 20.0), (110.0, 220.0)])
    end = np.array([(112.0, 250.0), (113.0, 300.0)])
    beside = np.array([(160.0, 230.0), (162.0, 290.0)])
    across = np.array([(80.0, 250.0), (140.0, 250.0)])
    lines, names = [fault, end, beside, across], ["Fault", *3 * ["Boundary"]]
    verdicts = ["confirmed", *3 * ["not verified"]]
    assert continued_names(lines, names, verdicts, 10.0) == {1: "Fault"}
    assert continued_names(lines, names, 4 * ["not verified"], 10.0) == {}
    assert continued_names(lines, ["Boundary", *names[1:]], verdicts, 10.0) == {}
    verdicts[1] = "contradicted"
    assert continued_names(lines, names, verdicts, 10.0) == {}
    # A piece says nothing about a longer line.
    assert continued_names([end, fault], names[:2], ["confirmed", "not verified"], 10.0) == {}
