"""Pixel sizes of image and model are matched, images resampled and positions mapped."""

from __future__ import annotations

import numpy as np
import pytest
from large_cells import many_columns
from lattice_images import lattice_image

from napari_stem_defects.base.micrograph import Micrograph, PixelSizeSource
from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.lattice.scale import (
    SCALE_TOLERANCE,
    TargetScale,
    match_scale,
    resample,
    scale_positions,
)
from napari_stem_defects.lattice.unit_cell import units_per_period
from napari_stem_defects.simulation.simulate import simulate

MODEL = TargetScale(0.027, lattice_nm=0.3742)


def micrograph(size_nm: float | None, size: int = 200) -> Micrograph:
    noise = np.random.default_rng(0).random((size, size), dtype=np.float32)
    return Micrograph(noise, "noise", size_nm, "unknown" if size_nm is None else "file")


def test_an_image_is_resampled_to_the_pixel_size_of_the_model() -> None:
    match = match_scale(micrograph(0.054), MODEL)
    assert match.factor == pytest.approx(2)
    assert match.statement == (
        "Resampled 2.000 times, from 0.0540 nm per px (from the file) to the model's 0.0270."
    )


@pytest.mark.parametrize("deviation", [-0.9, 0.0, 0.9])
def test_small_differences_are_ignored(deviation: float) -> None:
    match = match_scale(micrograph(0.027 * (1 + deviation * SCALE_TOLERANCE)), MODEL)
    assert match.factor == 1
    assert match.statement.endswith("used as is.")


def test_a_model_without_pixel_size_uses_images_unchanged() -> None:
    image = micrograph(0.5)
    match = match_scale(image, TargetScale(None))
    assert (match.factor, match.micrograph) == (1, image)
    assert "no pixel size" in match.statement


def test_the_pixel_size_of_an_uncalibrated_image_comes_from_its_lattice() -> None:
    made = simulate(defects=[], size=256, pixel_size_nm=0.035).micrograph
    match = match_scale(Micrograph(made.pixels, "crystal"), MODEL)
    assert match.micrograph.pixel_size_source == "lattice"
    assert match.micrograph.pixel_size_nm == pytest.approx(0.035, rel=0.01)
    assert match.factor == pytest.approx(0.035 / 0.027, rel=0.01)
    assert "(from the lattice, if the crystal is that of the model)" in match.statement


@pytest.mark.parametrize("target", [MODEL, TargetScale(0.027)])
def test_an_uncalibrated_image_without_lattice_is_used_unchanged(target: TargetScale) -> None:
    match = match_scale(micrograph(None), target)
    assert match.factor == 1
    assert match.micrograph.pixel_size_nm is None
    assert match.statement == "No pixel size and no lattice found; the image is used as it is."


@pytest.mark.parametrize("size_nm", [0.001, 0.0026, 0.28, 2.0])
def test_very_different_pixel_sizes_are_rejected(size_nm: float) -> None:
    with pytest.raises(InputError, match=r"is too far from the model's 0\.027"):
        match_scale(micrograph(size_nm, 2000), MODEL)


@pytest.mark.parametrize(("size_nm", "size"), [(0.0135, 62), (0.01, 64)])
def test_an_image_smaller_than_half_a_window_is_rejected(size_nm: float, size: int) -> None:
    with pytest.raises(InputError, match="smaller than half a window"):
        match_scale(micrograph(size_nm, size), MODEL)


def test_an_image_as_large_as_half_a_window_is_used() -> None:
    assert match_scale(micrograph(0.0135, 64), MODEL).factor == pytest.approx(0.5)


def test_resampling_by_one_returns_the_image_itself() -> None:
    pixels = micrograph(None).pixels
    assert resample(pixels, 1) is pixels


@pytest.mark.parametrize("factor", [0.37, 0.5, 1.5, 2.0])
def test_resampling_scales_the_shape_and_keeps_the_mean(factor: float) -> None:
    pixels = np.random.default_rng(0).random((80, 61), dtype=np.float32)
    found = resample(pixels, factor)
    assert found.shape == (round(80 * factor), round(61 * factor))
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(pixels.mean(), rel=0.02)


def test_resampling_keeps_at_least_one_pixel() -> None:
    assert resample(np.ones((4, 40), np.float32), 0.1).shape == (1, 4)


@pytest.mark.parametrize("factor", [0.5, 1.5, 3.0])
def test_positions_follow_the_resampled_pixels(factor: float) -> None:
    y, x = np.mgrid[:90, :90]
    spot = np.exp(-((y - 40.0) ** 2 + (x - 47.0) ** 2) / (2 * 5.0**2)).astype(np.float32)
    found = resample(spot, factor)
    rows, columns = np.mgrid[: found.shape[0], : found.shape[1]]
    centre = np.array([(found * rows).sum(), (found * columns).sum()]) / found.sum()
    expected = scale_positions(np.array([40.0, 47.0]), factor)
    np.testing.assert_allclose(centre, expected, atol=0.05)


@pytest.mark.parametrize("factor", [0.3, 1.0, 7.0])
def test_scaling_positions_back_inverts_it(factor: float) -> None:
    assert scale_positions(scale_positions(12.25, factor), 1 / factor) == pytest.approx(12.25)
    assert scale_positions(-0.5, factor) == -0.5


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("file", "from the file"),
        ("user", "as given"),
        ("simulation", "from the simulation"),
        ("lattice", "from the lattice"),
    ],
)
@pytest.mark.parametrize("size_nm", [0.027, 0.04])
def test_the_statement_names_the_source_of_the_pixel_size(
    source: PixelSizeSource, words: str, size_nm: float
) -> None:
    image = micrograph(None).with_pixel_size(size_nm, source)
    statement = match_scale(image, MODEL).statement
    assert words in statement
    assert statement.startswith("Resampled") == (size_nm != 0.027)


def test_simulated_images_have_the_pixel_size_of_the_simulation() -> None:
    image = simulate(size=64).micrograph
    assert "from the simulation" in match_scale(image, MODEL).statement


def test_an_uncalibrated_image_of_another_crystal_stays_uncalibrated() -> None:
    target = TargetScale(0.027, 0.3742, geometry=LatticeGeometry(70.53, spacing_nm=0.3742))
    for angle, ratio in ((60.0, 1.0), (90.0, 1.0), (90.0, 1.4)):
        image = Micrograph(lattice_image(13, ratio, angle, dose=20), "other")
        match = match_scale(image, target)
        assert match.micrograph.pixel_size_nm is None
        assert match.factor == 1
        assert "is not that of the model (70.5 degrees, ratio 1.00)" in match.statement
        assert match_scale(image, MODEL).micrograph.pixel_size_nm is not None


def test_a_fitting_lattice_gives_the_same_pixel_size_as_without_geometry() -> None:
    target = TargetScale(0.027, 0.3742, geometry=LatticeGeometry(70.53, spacing_nm=0.3742))
    image = Micrograph(simulate("cdte-110", size=256, seed=3).micrograph.pixels, "crystal")
    sizes = [match_scale(image, each).micrograph.pixel_size_nm for each in (target, MODEL)]
    assert sizes[0] == sizes[1] == pytest.approx(0.027, rel=0.01)


def test_samples_per_unit_follow_from_the_lattice_and_lengths_are_in_both_units() -> None:
    micrograph = simulate("cdte-110", size=256, defects=[]).micrograph
    match = match_scale(micrograph, TargetScale(None, samples_per_unit=7.0))
    period = 7.0 / match.factor
    assert period == pytest.approx(14.3, abs=0.3)
    assert f"{period:.2f} px (0.3" in match.statement
    assert " nm)" in match.statement
    flat = Micrograph(np.ones((96, 96), np.float32), "flat")
    empty = match_scale(flat, TargetScale(None, samples_per_unit=7.0))
    assert empty.factor == 1
    assert empty.statement.startswith("No lattice")


def test_samples_of_a_large_cell_are_those_of_its_length_unit() -> None:
    image = many_columns(24)
    suited = units_per_period(image.cells[0])
    for units in (None, 1.0, 1.5):
        match = match_scale(image.micrograph, TargetScale(None, samples_per_unit=7.0, units=units))
        shown = suited if units is None else units
        assert match.factor == pytest.approx(7 * shown / image.period, rel=0.01)
        text = (
            "7.0 samples per period."
            if shown == 1
            else f"7.0 samples per length unit of {shown:.2f}"
        )
        assert text in match.statement
