"""Lattices of all symmetries are measured; what is no lattice, or several, is named so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE
from few_periods import small_image
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_images import ONE_COLUMN, lattice_image, two_grains
from scipy import ndimage

from napari_stem_defects.lattice import measurement
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.simulation.simulate import random_scene, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Period ratio and angle of each of the five Bravais lattices of the plane.
BRAVAIS = {
    "oblique": (1.25, 79.0),
    "rectangular": (1.4, 90.0),
    "centred rectangular": (1.0, 74.0),
    "square": (1.0, 90.0),
    "hexagonal": (1.0, 60.0),
}


@settings(max_examples=40, deadline=None)
@given(
    symmetry=st.sampled_from(sorted(BRAVAIS)),
    period=st.floats(5, 26),
    rotation_deg=st.floats(0, 180),
    second=st.one_of(st.none(), st.floats(0.2, 0.7)),
    dose=st.sampled_from([None, 30.0, 8.0]),
    dark=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_bravais_lattice_is_measured(
    symmetry: str,
    period: float,
    rotation_deg: float,
    second: float | None,
    dose: float | None,
    dark: bool,
    seed: int,
) -> None:
    ratio, angle = BRAVAIS[symmetry]
    motif = ONE_COLUMN if second is None else (*ONE_COLUMN, ((0.5, 0.5), second))
    pixels = lattice_image(
        period, ratio, angle, rotation_deg,
        motif=motif, dose=dose, dark=dark, jitter_px=0.01 * period, seed=seed,
    )  # fmt: skip
    found = measure_lattices(pixels)
    assert found.kind == "one", found.reason
    cell = found.cells[0]
    assert cell.period_px == pytest.approx(period, rel=0.012)
    assert cell.ratio == pytest.approx(ratio, rel=0.015)
    assert cell.angle_deg == pytest.approx(angle, abs=1)
    assert cell.symmetry == symmetry


@pytest.mark.parametrize("spacing_px", [4.2, 8.0, 20.0, 50.0, 75.0])
def test_periods_from_4_to_75_px_are_found(spacing_px: float) -> None:
    size = max(128, int(spacing_px * 8))
    cell = measure_lattices(lattice_image(spacing_px, size=size, dose=40)).cell
    assert cell is not None
    assert cell.period_px == pytest.approx(spacing_px, rel=0.01)


def test_weak_low_order_reflections_decide_the_cell() -> None:
    """Two nearly equal columns: the strongest reflections are those of half the period."""
    motif = (*ONE_COLUMN, ((0.0, 0.5), 0.8))
    found = measure_lattices(lattice_image(11.0, 1.3, motif=motif, dose=100, size=384))
    assert found.cells[0].lengths_px == pytest.approx((11.0, 14.3), rel=0.01)
    equal = (*ONE_COLUMN, ((0.0, 0.5), 1.0))
    found = measure_lattices(lattice_image(11.0, 1.3, motif=equal, dose=100, size=384))
    assert found.cells[0].lengths_px == pytest.approx((7.15, 11.0), rel=0.01)


def test_the_uncertainty_covers_the_error() -> None:
    inside = 0
    for seed in range(30):
        pixels = lattice_image(9.3, 1.2, 81.0, 7.0 * seed, dose=10, jitter_px=0.3, seed=seed)
        cell = measure_lattices(pixels).cells[0]
        errors = [cell.lengths_px[0] - 9.3, cell.lengths_px[1] - 9.3 * 1.2]
        inside += sum(abs(e) < 2 * u for e, u in zip(errors, cell.uncertainty_px, strict=True))
        inside += abs(cell.angle_deg - 81) < 2 * cell.angle_uncertainty_deg
        assert max(cell.uncertainty_px) < 0.1
    assert inside >= 0.85 * 90


def test_twins_and_grains_are_several() -> None:
    turned = [(70.53, 70.53), (60.0, 21.0), (90.0, 30.0)]
    for angle, turn in turned:
        grains = [lattice_image(12, 1, angle, r, size=384, dose=20) for r in (10.0, 10.0 + turn)]
        found = measure_lattices(two_grains(*grains, 10.0))
        assert found.kind == "several", angle
        assert "lattices" in found.reason
        for cell in found.cells:
            assert cell.period_px == pytest.approx(12, rel=0.02)
            assert cell.angle_deg == pytest.approx(angle, abs=1.5)


def test_stacking_faults_leave_one_lattice() -> None:
    for seed in range(3):
        made = simulate("cdte-110", defects=["SF1", "SF2"], size=384, seed=seed)
        found = measure_lattices(made.micrograph.pixels)
        assert found.cells[0].angle_deg == pytest.approx(70.53, abs=1)
        assert found.kind == "one"


def noise(seed: int, blur: float) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(size=(384, 384))
    return ndimage.gaussian_filter(values, blur).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_lattice(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(384, 1)).astype(np.float32)
    for pixels in (noise(seed, 0), noise(seed, 2), noise(seed, 2) + 0.1 * rows):
        assert measure_lattices(pixels).kind == "none"
    for family in ("amorphous", "vacuum"):
        made = random_scene(np.random.default_rng(seed), family=family)
        assert measure_lattices(made.micrograph.pixels).kind == "none"


def test_what_is_too_small_or_empty_has_a_reason() -> None:
    assert "too small" in measure_lattices(np.zeros((1, 1), np.float32)).reason
    assert "empty" in measure_lattices(np.full((64, 64), 7, np.float32)).reason
    two_periods = measure_lattices(lattice_image(31.0, size=64))
    assert two_periods.kind == "none"
    assert "three periods" in two_periods.reason
    x = np.arange(256, dtype=np.float32)
    fringes = np.sin(x / 1.5)[None] + np.zeros((256, 1), np.float32)
    assert "fringes" in measure_lattices(fringes + 0.1 * noise(0, 0)[:256, :256]).reason


def test_an_image_of_a_megapixel_takes_less_than_half_a_second() -> None:
    pixels = np.tile(lattice_image(11.0, size=512, dose=20), (2, 2))
    measure_lattices(pixels[:256, :256])
    start = time.process_time()
    measure_lattices(pixels)
    assert time.process_time() - start < 0.5


def test_the_measurement_is_json() -> None:
    values = measure_lattices(lattice_image(10.0, size=256)).to_json(0.02)
    assert values["kind"] == "one"
    assert values["others"] == []
    lengths = np.hypot(*np.array(values["vectors_nm"]).T)
    assert lengths == pytest.approx([0.2, 0.2], rel=0.01)
    assert measure_lattices(np.zeros((9, 9), np.float32)).to_json()["kind"] == "none"


def not_periodic(kind: str, seed: int, size: int) -> NDArray[np.float32]:
    """Return an image whose spectrum has ridges and slopes, but no reflections."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(size, size))
    y, x = np.indices((size, size)) / size
    if kind == "walk":
        image = white.cumsum(axis=0).cumsum(axis=1)
    elif kind == "noisy walk":
        image = white.cumsum(axis=0).cumsum(axis=1) + 50 * white
    elif kind == "curtains":
        image = rng.normal(size=(1, size)).cumsum(axis=1) + rng.normal(size=(size, 1)).cumsum(
            axis=0
        )
        image = image + 0.3 * white
    elif kind == "steps":
        image = 20 * (np.floor(6 * x) + np.floor(5 * y)) + white
    elif kind == "corner":
        image = 50.0 * ((x > 0.4) & (y > 0.6)) + white
    elif kind == "gradient":
        image = 100 * x + 30 * y**2 + 0.01 * white
    else:
        power = float(kind)
        radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
        radius[0, 0] = 1
        image = np.fft.ifft2(np.fft.fft2(white) * radius**-power).real
    return image.astype(np.float32)


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize(
    "kind",
    [
        *("walk", "noisy walk", "curtains", "steps", "corner", "gradient"),
        *("0.5", "1.0", "1.5", "2.0", "3.0"),
    ],
)
def test_what_is_smooth_or_stepped_is_no_lattice(kind: str, size: int) -> None:
    for seed in range(3):
        assert measure_lattices(not_periodic(kind, seed, size)).kind == "none", seed


@pytest.mark.parametrize("seed", range(4))
def test_a_tenth_of_an_electron_per_pixel_shows_a_lattice(seed: int) -> None:
    pixels = lattice_image(9.0 + seed, 1.1, 80, 10.0 * seed, dose=0.1, seed=seed)
    cell = measure_lattices(pixels).cell
    assert cell is not None
    assert cell.period_px == pytest.approx(9 + seed, rel=0.02)


def test_a_lattice_along_the_axes_of_the_scan_is_found_on_a_walk() -> None:
    pixels = lattice_image(10, 1, 90, 0, dose=20)
    walk = not_periodic("walk", 0, 256)
    found = measure_lattices(pixels + walk * (0.5 * pixels.std() / walk.std()))
    assert found.cells[0].period_px == pytest.approx(10, rel=0.02)


def test_an_image_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal pixels give the same measurement; any change of them is measured anew."""
    pixels = lattice_image(13.0, 1.2, 85.0, 10.0, motif=ONE_COLUMN, jitter_px=0.1, seed=3)
    first = measure_lattices(pixels)
    calls: list[tuple[int, ...]] = []
    original = measurement.spectrum
    monkeypatch.setattr(
        measurement, "spectrum", lambda part: calls.append(part.shape) or original(part)
    )
    assert measure_lattices(pixels.copy()).cells is first.cells
    assert measure_lattices(np.asfortranarray(pixels), 0.02).cells is first.cells
    assert calls == []
    pixels[5, 7] += 1
    assert measure_lattices(pixels).cells is not first.cells
    assert len(calls) == 1


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE, OBLIQUE])
def test_an_image_without_noise_shows_its_lattice(
    shape: tuple[tuple[float, float], tuple[float, float]], missing: bool
) -> None:
    """The smear of its reflections is all there is at high frequencies."""
    for seed in range(3):
        image = small_image(shape, 11, missing=missing, jitter=0.02, seed=seed)
        cell = measure_lattices(image.pixels).cell
        assert cell is not None
        area = abs(np.linalg.det(np.array(cell.vectors_px)))
        assert np.sqrt(area) == pytest.approx(image.period, rel=0.02)


def with_precipitate(seed: int, brightness: float, size: int = 384) -> NDArray[np.float32]:
    """Return a square lattice of smooth columns around one of another phase."""
    matrix = lattice_image(12, 1, 90, 5.0 + 11 * seed, size=size, seed=seed)
    phase = lattice_image(19, 1.3, 76, 31.0 + 7 * seed, size=size, seed=seed + 1)
    y, x = np.indices(matrix.shape) / size - 0.4
    inside = ndimage.gaussian_filter((np.hypot(y, 0.8 * x) < 0.2).astype(np.float32), 2)
    mixed = ndimage.gaussian_filter(matrix, 3) * (1 - inside) + brightness * phase * inside
    return np.random.default_rng(seed).poisson(100 * mixed).astype(np.float32)


def low_passed(pixels: NDArray[np.float32], highest: float) -> NDArray[np.float32]:
    """Return an image without all frequencies from one in cycles per px up."""
    radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in pixels.shape), indexing="ij"))
    return np.fft.ifft2(np.fft.fft2(pixels) * (radius < highest)).real.astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_a_filtered_image_shows_its_matrix_beside_a_precipitate(seed: int) -> None:
    """Only the first reflections of the matrix are left, beside as many of a part of the image."""
    found = measure_lattices(low_passed(with_precipitate(seed, 1.0), 0.125))
    assert any(cell.period_px == pytest.approx(12, rel=0.02) for cell in found.cells), found.reason


@pytest.mark.parametrize("seed", range(3))
def test_a_matrix_is_found_around_a_brighter_phase(seed: int) -> None:
    """It has few reflections, but those are all that most of the image shows."""
    found = measure_lattices(with_precipitate(seed, 3.0))
    assert found.kind == "several", found.reason
    assert any(cell.period_px == pytest.approx(12, rel=0.02) for cell in found.cells), found.reason
