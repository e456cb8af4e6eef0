"""The overview page: readable for every image, complete, and correct."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lattice_images import lattice_image
from PIL import Image, ImageColor
from result_samples import CLASSES, MODEL, detection, micrograph

from napari_stem_defects.base.defect_classes import UNKNOWN, DefectClass, default_class
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.nothing_fits import nothing_fits
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import totals
from napari_stem_defects.postprocessing.result_totals import ResultTotals
from napari_stem_defects.reporting import overview
from napari_stem_defects.reporting.overview import (
    draw_overview,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Detection


def result_totals(*detections: Detection, valid: float = 1.0) -> ResultTotals:
    names = detections[0].mask_names
    regions = [region for each in detections for region in each.regions]
    shares = np.mean([each.masks.mean(axis=(1, 2)) for each in detections], axis=0)
    return ResultTotals(
        totals(regions, names),
        dict(zip(names, shares.tolist(), strict=True)),
        valid,
        "file",
        len(detections),
    )


def page(image: Micrograph, *detections: Detection) -> Image.Image:
    return draw_overview(image, detections, result_totals(*detections), "cdte-110")


def pixels_of(picture: Image.Image, name: str) -> int:
    away = np.asarray(picture, int) - ImageColor.getrgb(default_class(name).colour)
    return int((np.abs(away).max(axis=2) < 12).sum())


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect every line that is written on a page."""
    lines: list[str] = []
    original = overview._write

    def write(picture: Image.Image, corner: tuple[float, float], text: str, *rest: object) -> None:
        lines.append(text)
        original(picture, corner, text, *rest)

    monkeypatch.setattr(overview, "_write", write)
    return lines


@pytest.mark.parametrize("shape", [(128, 128), (96, 128), (72, 900), (900, 104)])
def test_a_page_is_readable_for_images_of_any_form(shape: tuple[int, int]) -> None:
    image = micrograph(shape=shape)
    picture = page(image, detection(image))
    assert picture.mode == "RGB"
    assert 1000 <= picture.width <= 1640
    assert picture.height <= 1640


def test_every_found_class_shows_its_colour() -> None:
    image = micrograph()
    picture, bare = page(image, detection(image)), page(image, detection(image, empty=True))
    for name in ("SF1", "Vacancy_CdTe"):
        assert pixels_of(picture, name) > pixels_of(bare, name) + 500
    assert pixels_of(picture, "interstitial") == 0


def test_the_page_names_image_model_and_scale(written: list[str]) -> None:
    image = micrograph()
    page(image, detection(image))
    text = "\n".join(written)
    assert written.count("lamella") == 1
    for fact in ("model cdte-110", "128 x 96 px", "0.05 nm per px, from the file"):
        assert fact in text


def test_the_legend_gives_counts_lengths_and_areas(written: list[str]) -> None:
    image = micrograph()
    found = detection(image)
    page(image, found)
    fault = found.regions[0]
    assert "stacking fault 1" in written
    assert f"SF1: 1, {fault.length_nm:.3g} nm long" in written
    assert any(line.startswith(f"{fault.area_nm2:.3g} nm²") for line in written)
    assert "Vacancy_CdTe: 2" in written
    assert "not found: interstitial" in written
    assert "unknown" in written


def test_without_pixel_size_no_nanometre_is_written(written: list[str]) -> None:
    image = micrograph()
    page(image, detection(image, nm=None))
    assert not any("nm" in line for line in written)
    assert any("no pixel size known" in line for line in written)


def test_an_empty_result_is_stated(written: list[str]) -> None:
    image = micrograph()
    page(image, detection(image, empty=True))
    assert "no defects found" in written
    assert "unknown" not in written


def test_windows_without_a_result_are_mentioned(written: list[str]) -> None:
    image = micrograph()
    found = detection(image)
    draw_overview(image, [found], result_totals(found, valid=0.8), "cdte-110")
    assert any(line.startswith("no result for 20.0 %") for line in written)


def test_a_stack_becomes_a_contact_sheet(written: list[str]) -> None:
    movie = micrograph(frames=5)
    picture = page(movie, *(detection(movie, i, empty=i == 2) for i in range(5)))
    assert picture.width <= 1640
    assert {"frame 0: 3 defects", "frame 2: no defects", "frame 4: 3 defects"} <= set(written)
    assert "sums over 5 frames" in written


@pytest.mark.parametrize("name", ["x" * 400, "日本", "été", "two\nlines\t", "", "a" * 90 + "²"])
def test_names_of_any_kind_fit(name: str, written: list[str]) -> None:
    image = micrograph(name)
    assert page(image, detection(image, empty=True)).width <= 1640
    assert all(line.isprintable() for line in written)


def test_signs_beyond_latin_are_written_as_they_are(written: list[str]) -> None:
    image = micrograph("Å µm CdTe₂ – été")
    page(image, detection(image, empty=True))
    assert "Å µm CdTe₂ – été" in written


def test_a_constant_image_and_full_masks_are_drawn() -> None:
    image = micrograph()
    image.pixels[:] = 3
    found = detection(image)
    full = MaskStack.from_array(found.mask_names, np.ones_like(found.masks))
    assert page(image, replace(found, mask_stack=full)).width >= 1000


def test_titles_and_kinds_are_those_of_the_data(written: list[str]) -> None:
    image = micrograph()
    own = (
        DefectClass("Vacancy_CdTe", "point", "split <interstitial> & pair"),
        DefectClass("SF1", "area", "my phase", "#123456"),
    )
    page(image, detection(image, classes=own))
    assert "split <interstitial> & pair" in written
    assert "my phase" in written
    # An area has a size but no length.
    assert "SF1: 1" in written
    assert not any("long" in text for text in written)


def test_a_class_without_a_title_of_its_own_is_named_once(written: list[str]) -> None:
    image = micrograph()
    own = (
        DefectClass("Vacancy_CdTe", "point", "Vacancy_CdTe"),
        DefectClass("SF1", "line", "stacking fault"),
    )
    page(image, detection(image, classes=own))
    assert written.count("Vacancy_CdTe") == 1
    assert "2" in written
    assert any(text.startswith("SF1: 1, ") for text in written)


def test_the_file_is_a_png(tmp_path: Path) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    with Image.open(folder / "overview.png") as picture:
        assert picture.format == "PNG"
        assert picture.width >= 1000


def test_the_samples_hold_what_the_tests_assume() -> None:
    found = detection(micrograph())
    assert found.mask_names == (*CLASSES[1:], UNKNOWN)
    assert [region.class_name for region in found.regions].count("Vacancy_CdTe") == 2


def test_an_image_that_is_not_recognised_is_no_perfect_crystal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = lattice_image(12, 1, 60, size=160)
    image = Micrograph(pixels, "hex", sha256="0" * 64)
    found = nothing_fits(image, measure_lattices(pixels), "not recognised: another lattice")
    written: list[str] = []
    write = overview._write

    def recorded(picture: Any, at: Any, text: str, size: int, colour: str) -> None:
        written.append(text)
        write(picture, at, text, size, colour)

    monkeypatch.setattr(overview, "_write", recorded)
    sums = ResultTotals({}, {"unknown": 1.0}, 1.0, "unknown")
    draw_overview(image, [found], sums, "none")
    assert "not recognised" in written
    assert "another lattice" in written
    assert not any("no defects" in text for text in written)
    warned = replace(found, parameters={**found.parameters, "warnings": ["warning: odd lattice"]})
    draw_overview(image, [warned], sums, "none")
    assert {"warning", "odd lattice"} <= set(written)


def test_a_line_of_the_legend_does_not_part_a_quantity_from_its_unit():
    text = "Twin_Bound: 1 (0.0052 per nm²), 13.3 nm long, 13.3 nm long, 13.3 nm long, 4.1 % of all"
    lines = overview._wrapped(text, 40)
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert not [line for line in lines if line.startswith(("nm", "%"))]


@pytest.mark.parametrize("shape", [(64, 512), (32, 900), (900, 104)])
@pytest.mark.parametrize("count", [2, 5, 12])
def test_stacks_of_frames_of_any_form_are_drawn(shape: tuple[int, int], count: int) -> None:
    image = micrograph(frames=count, shape=shape)
    drawn = page(image, *(detection(image, frame) for frame in range(count)))
    assert pixels_of(drawn, "SF1") > 0
