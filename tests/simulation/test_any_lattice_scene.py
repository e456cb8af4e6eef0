from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation.any_lattice import MotifColumn, make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect

CRYSTAL = make_crystal("hexagonal", 12.0, rotation_deg=11.0)
CLEAR = LatticeImaging(dose=1000.0, row_jitter_px=0.0, column_jitter=0.0, brightness_jitter=0.0)
VACANCIES = LatticeDefect("missing", "vacancy", amount=0.0, count=8)


def scene(*defects: LatticeDefect, **imaging: object) -> LatticeScene:
    return LatticeScene(CRYSTAL, defects, replace(CLEAR, **imaging), (200, 240))  # type: ignore[arg-type]


def test_a_seed_gives_one_image() -> None:
    first, again, other = (simulate_lattice(scene(VACANCIES), seed) for seed in (3, 3, 4))
    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)
    assert first.pixels.dtype == np.float32
    assert first.pixels.shape == (200, 240)


def test_the_image_has_the_dose_and_the_period_of_the_lattice() -> None:
    made = simulate_lattice(scene())
    assert made.pixels.mean() == pytest.approx(1000, rel=0.01)
    power = np.abs(np.fft.fft2(made.pixels - made.pixels.mean())) ** 2
    y, x = np.unravel_index(int(power.argmax()), power.shape)
    frequency = np.hypot(np.fft.fftfreq(200)[y], np.fft.fftfreq(240)[x])
    assert 1 / frequency == pytest.approx(12 * np.sin(np.pi / 3), rel=0.05)


@pytest.mark.parametrize("contrast", ["bright", "dark"])
def test_vacancies_are_where_the_ground_truth_puts_them(contrast: str) -> None:
    made = simulate_lattice(scene(VACANCIES, contrast=contrast))
    sign = 1 if contrast == "bright" else -1
    smooth = sign * ndimage.gaussian_filter(made.pixels, 1.5)
    perfect = ndimage.maximum_filter(smooth, 15)
    places = made.points["vacancy"]
    whole = tuple(np.rint(places).astype(int).T)
    assert len(places) >= 6
    contrast_there = (perfect[whole] - smooth[whole]) / np.ptp(smooth)
    assert contrast_there.min() > 0.4


def test_drift_moves_the_ground_truth_with_the_image() -> None:
    still, moved = (simulate_lattice(scene(VACANCIES, drift_px=d), 5) for d in (0.0, 3.0))
    apart = moved.points["vacancy"] - still.points["vacancy"]
    assert np.abs(apart[:, 0]).max() == 0
    assert np.abs(apart[:, 1]).max() > 0.5
    smooth = ndimage.gaussian_filter(moved.pixels, 1.5)
    whole = tuple(np.rint(moved.points["vacancy"]).astype(int).T)
    assert smooth[whole].max() < np.median(smooth)


def test_distance_is_that_to_lines_points_and_areas() -> None:
    fault = LatticeDefect("fault", "SF", amount=0.4)
    area = LatticeDefect("precipitate", "P", amount=1.1)
    made = simulate_lattice(scene(VACANCIES, fault, area), 1)
    distance = made.distance("SF")
    (line,) = made.lines["SF"]
    y, x = line[len(line) // 2]
    assert distance[round(y), round(x)] <= 1
    along = (line[-1] - line[0]) / np.hypot(*(line[-1] - line[0]))
    away = line[len(line) // 2] + 20 * np.array([-along[1], along[0]])
    assert distance[tuple(np.rint(away).astype(int))] == pytest.approx(20, abs=1.2)
    assert (made.distance("P") == 0).sum() == made.areas["P"].sum() > 0
    assert np.isinf(made.distance("absent")).all()
    assert np.array_equal(
        made.distance(),
        np.minimum.reduce([made.distance(name) for name in ("SF", "P", "vacancy")]),
    )
    assert made.kinds == {"vacancy": "point", "SF": "line", "P": "area"}


def test_strain_changes_the_period_over_the_image() -> None:
    image = simulate_lattice(replace(scene(strain=0.2), shape=(400, 400)), 2).pixels

    def frequency(part: np.ndarray) -> float:
        window = np.outer(np.hanning(len(part)), np.hanning(len(part)))
        power = np.abs(np.fft.fft2((part - part.mean()) * window, (1024, 1024))) ** 2
        y, x = np.unravel_index(int(power.argmax()), power.shape)
        return float(np.hypot(np.fft.fftfreq(1024)[y], np.fft.fftfreq(1024)[x]))

    corners = [
        frequency(image[y, x])
        for y in (slice(120), slice(-120, None))
        for x in (slice(120), slice(-120, None))
    ]
    assert max(corners) / min(corners) > 1.04


def test_disturbed_rows_differ_from_their_neighbours() -> None:
    quiet, disturbed = (simulate_lattice(scene(disturbed_rows=n), 7).pixels for n in (0, 5))
    jumps = [np.abs(np.diff(each.mean(axis=1), n=2)).max() for each in (quiet, disturbed)]
    assert jumps[1] > 1.5 * jumps[0]


def test_parameters_are_json_safe_and_the_micrograph_is_uncalibrated() -> None:
    made = simulate_lattice(scene(VACANCIES), 9)
    assert json.loads(json.dumps(made.parameters))["seed"] == 9
    micrograph = made.micrograph()
    assert micrograph.pixel_size_nm is None
    assert micrograph.sha256 == hashlib.sha256(made.pixels.tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (20, 200)}, "size"),
        ({"crystal": make_crystal("square", 90.0)}, "period"),
        ({"crystal": make_crystal("square", 2.0)}, "period"),
    ],
)
def test_sizes_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"{message} .* out of range"):
        simulate_lattice(replace(scene(), **changes))  # type: ignore[arg-type]


def test_a_motif_of_two_columns_shows_both() -> None:
    motif = (MotifColumn(0, 0, 1.0), MotifColumn(0.5, 0.5, 0.5))
    crystal = make_crystal("square", 24.0, motif=motif)
    image = simulate_lattice(LatticeScene(crystal, (), CLEAR, (240, 240))).pixels
    peaks = (image == ndimage.maximum_filter(image, 11)) & (image > np.median(image))
    assert peaks.sum() == pytest.approx(2 * 100, rel=0.15)
