"""Every stage agrees with plain formulas and with stored numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.preprocessing.pipeline import (
    feature_shapes,
    features,
    filter_image,
    normalise,
    stages,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

HANN = PreprocessingSettings(threshold=0.2)
PAPER = replace(PreprocessingSettings.paper(), smoothing_px=1.0, threshold=0.4)
BOTH = PreprocessingSettings(representation="fft+real", smoothing_px=0.7)
ALL = [
    pytest.param(HANN, id="hann"),
    pytest.param(PAPER, id="paper"),
    pytest.param(BOTH, id="both"),
]


def pattern(height: int = 64, width: int = 64) -> NDArray[np.float32]:
    """Return a pattern between a lattice and noise, without random numbers."""
    y, x = np.mgrid[:height, :width]
    lattice = np.sin(y / 2.1) * np.sin(x / 1.7) + 0.3 * np.sin((y + 2 * x) / 11)
    speckle = (7 * y * y + 13 * x * y + 5 * x) % 31
    return (300 + 80 * lattice + 2 * speckle).astype(np.float32)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


# The stages as plain formulas: loops, matrices, float64.


def blurred(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Convolve with a sampled Gaussian, cut at three sigma, the image mirrored at its edges."""
    radius = int(3 * sigma + 0.5)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        padding = [(radius, radius) if axis == other else (0, 0) for other in (0, 1)]
        padded = np.pad(image, padding, mode="symmetric")
        image = np.apply_along_axis(np.convolve, axis, padded, taps, mode="valid")
    return image


def filtered(image: NDArray[np.float32], p: PreprocessingSettings) -> NDArray[np.float64]:
    normal = image.astype(np.float64) / image.max()
    background = blurred(normal, np.sqrt(p.background_px**2 + p.smoothing_px**2))
    flat = blurred(normal, p.smoothing_px) - background
    if p.contrast_px == 0:
        return flat
    overall = np.sqrt(np.mean(flat**2))
    local = np.sqrt(blurred(flat**2, p.contrast_px))
    return flat / np.maximum(local, 0.2 * overall)


def levelled(flat: NDArray[np.float64], p: PreprocessingSettings) -> NDArray[np.float64]:
    return flat if p.contrast_px else flat / np.abs(flat).max()


def weighted(flat: NDArray[np.float64], p: PreprocessingSettings) -> NDArray[np.float64]:
    flat = levelled(flat, p)
    if p.window == "none":
        return flat
    profiles = [0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n) for n in flat.shape]
    return flat * np.outer(*profiles)


def log_magnitude(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(1 + |F|) by the definition of the Fourier transform, not centred."""
    waves = [np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) for n in values.shape]
    return np.log(1 + np.abs(waves[0] @ values @ waves[1]))


def seen(spectrum: NDArray[np.float64], p: PreprocessingSettings) -> NDArray[np.float64]:
    """Pick, one by one, the frequencies up to the cutoff that are not mirror images."""
    k = round(p.cutoff * len(spectrum))
    kept = np.array([[spectrum[fy, fx] for fx in range(k + 1)] for fy in range(-k, k)])
    return np.where(kept >= p.threshold * kept.max(), kept, 0)


@pytest.mark.parametrize("p", ALL)
def test_each_stage_follows_its_formula(p: PreprocessingSettings) -> None:
    image = pattern()
    got = stages(image, p)
    np.testing.assert_array_equal(got.original, image)
    np.testing.assert_allclose(got.normalised, image / image.max(), atol=1e-7)
    flat = filtered(image, p)
    np.testing.assert_allclose(got.background_removed, flat, atol=2e-5 * np.abs(flat).max())
    spectrum = log_magnitude(weighted(flat, p))
    np.testing.assert_allclose(got.spectrum, np.fft.fftshift(spectrum), atol=2e-4)
    limit = p.threshold * seen(spectrum, p).max()
    shown = got.spectrum >= limit
    np.testing.assert_array_equal(got.thresholded, np.where(shown, got.spectrum, 0))


@pytest.mark.parametrize("p", ALL)
def test_the_network_input_follows_its_formula(p: PreprocessingSettings) -> None:
    flat = filter_image(pattern(), p)
    got = features(flat[None], p)
    wanted = seen(log_magnitude(weighted(flat.astype(np.float64), p)), p)
    assert got["fft"].shape == (1, 1, *wanted.shape)
    np.testing.assert_allclose(got["fft"][0, 0], wanted, atol=2e-4)
    if p.representation == "fft+real":
        # The window function is for the transform: the patch has positions without it.
        np.testing.assert_allclose(got["real"][0, 0], levelled(flat, p), atol=1e-5)


# (0, 0), (31, 32), (40, 17), (63, 5) and the sum of each stage; of the network input the
# sum, the largest value and how many are 0.
GOLDEN = {
    "hann": {
        "original": [300.0, 325.333, 313.7474, 300.5656, 1354416.0],
        "normalised": [0.6521176, 0.7071846, 0.6820008, 0.6533471, 2944.128],
        "background_removed": [-0.6247599, 0.3639136, -0.03294996, -0.06030679, -0.1851635],
        "spectrum": [0.002811425, 3.156305, 1.061812, 0.003445063, 2777.582],
        "thresholded": [0.0, 3.156305, 0.0, 0.0, 1741.11],
        "fft": [924.8533, 6.10564, 763],
    },
    "paper": {
        "original": [300.0, 325.333, 313.7474, 300.5656, 1354416.0],
        "normalised": [0.6521176, 0.7071846, 0.6820008, 0.6533471, 2944.128],
        "background_removed": [-0.04592329, 0.02733731, -0.002476335, -0.004559934, 0.0],
        "spectrum": [0.1629022, 3.140806, 1.733268, 0.2229189, 3476.966],
        "thresholded": [0.0, 3.140806, 0.0, 0.0, 647.5325],
        "fft": [346.3512, 6.513284, 2005],
    },
}


@pytest.mark.parametrize(("name", "p"), [("hann", HANN), ("paper", PAPER)])
def test_numbers_stay_what_they_were(name: str, p: PreprocessingSettings) -> None:
    """Models in the field depend on these; a change needs a new format version."""
    got = stages(pattern(), p)
    at = ((0, 31, 40, 63), (0, 32, 17, 5))
    numbers = {stage: [*array[at], array.sum()] for stage, array in got._asdict().items()}
    fft = features(got.background_removed[None], p)["fft"]
    numbers["fft"] = [fft.sum(), fft.max(), (fft == 0).sum()]
    for stage, wanted in GOLDEN[name].items():
        np.testing.assert_allclose(numbers[stage], wanted, rtol=1e-4, atol=1e-4, err_msg=stage)


@pytest.mark.parametrize("p", ALL)
def test_the_preview_shows_the_network_input(p: PreprocessingSettings) -> None:
    for patch in (pattern(), noise(64, 64)):
        shown = np.fft.ifftshift(stages(patch, p).thresholded)
        fft = features(filter_image(patch[None], p), p)["fft"][0, 0]
        k = round(p.cutoff * 64)
        same = shown[np.ix_(np.arange(-k, k), np.arange(k + 1))]
        np.testing.assert_allclose(same, fft, atol=2e-5)


def test_preview_measures_the_threshold_below_the_cutoff() -> None:
    """The strongest frequency, a checkerboard's, lies above the cutoff."""
    y, x = np.mgrid[:64, :64]
    patch = (((y + x) % 2) + 0.2 * noise(64, 64)).astype(np.float32)
    p = replace(HANN, threshold=0.6, smoothing_px=0.0)
    shown = np.fft.ifftshift(stages(patch, p).thresholded)
    fft = features(filter_image(patch[None], p), p)["fft"][0, 0]
    assert (fft > 0).any()
    np.testing.assert_allclose(shown[np.ix_(np.arange(-24, 24), np.arange(25))], fft, atol=2e-5)


@pytest.mark.parametrize("p", ALL)
def test_a_batch_is_its_patches(p: PreprocessingSettings) -> None:
    patches = np.stack([pattern(), 5 + noise(64, 64), np.full((64, 64), 3, np.float32)])
    flat = filter_image(patches, p)
    together = features(flat, p)
    for index, patch in enumerate(patches):
        np.testing.assert_array_equal(flat[index], filter_image(patch, p))
        for name, array in features(filter_image(patch, p)[None], p).items():
            np.testing.assert_array_equal(together[name][index], array[0])


@pytest.mark.parametrize("p", ALL)
def test_the_intensity_scale_does_not_matter(p: PreprocessingSettings) -> None:
    image = pattern(100, 80)
    np.testing.assert_allclose(filter_image(1000 * image, p), filter_image(image, p), atol=1e-5)
    np.testing.assert_allclose(normalise(4 * image), normalise(image))


def test_scaling_a_patch_and_blurring_an_image_commute() -> None:
    """The abstract divides each patch by its own maximum before the blurs, we do so after."""
    image = pattern(200, 200)
    image[150, 150] = 10 * image.max()  # the patch's own maximum is another
    inside = (slice(20, 84), slice(20, 84))
    p = replace(PAPER, background_px=3.0, threshold=0.0)
    before = filter_image(image[inside], p)
    after = filter_image(image, p)[inside]
    core = (slice(12, -12), slice(12, -12))
    scale = image[inside].max() / image.max()
    np.testing.assert_allclose(after[core], scale * before[core], atol=2e-7)
    one, other = (features(patch[None], p)["fft"] for patch in (after, 7 * after))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("p", [PAPER, HANN])
def test_filtering_image_or_patch_agrees_away_from_borders(p: PreprocessingSettings) -> None:
    p = replace(p, background_px=3.0, contrast_px=min(p.contrast_px, 4.0))
    image = noise(200, 220)
    image[100, 100] = 1.5  # one maximum for both
    inside = (slice(50, 180), slice(40, 190))
    reach = 3 * 3.2 + 3 * p.contrast_px + 2
    core = (slice(int(reach), -int(reach)),) * 2
    whole, part = filter_image(image, p)[inside][core], filter_image(image[inside], p)[core]
    np.testing.assert_allclose(whole, part, atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize("p", ALL)
@pytest.mark.parametrize("value", [-3.0, 0.0, 7.0, 1e6])
def test_constant_images_have_no_signal(p: PreprocessingSettings, value: float) -> None:
    got = stages(np.full((70, 64), value), p)
    assert not got.background_removed.any()
    assert not got.spectrum.any()
    assert np.isfinite(got.normalised).all()


def test_negative_intensities_are_lifted() -> None:
    image = pattern() - 1000
    assert normalise(image).min() == 0
    assert normalise(image).max() == 1
    np.testing.assert_allclose(normalise(image), normalise(image - image.min()))


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(pattern().astype(np.float64), id="float64"),
        pytest.param(pattern().astype(np.uint16), id="uint16"),
        pytest.param(pattern().astype(">f4"), id="big-endian"),
        pytest.param(pattern()[::-1, ::-1], id="reversed"),
        pytest.param(pattern(128, 128)[::2, ::2], id="strided"),
    ],
)
def test_any_numbers_become_float32(image: NDArray[np.generic]) -> None:
    for array in stages(image, BOTH):  # type: ignore[arg-type]
        assert array.dtype == np.float32
        assert array.dtype.isnative
    for array in features(filter_image(image[None], BOTH), BOTH).values():  # type: ignore[arg-type]
        assert array.dtype == np.float32


@pytest.mark.parametrize("shape", [(64, 64), (65, 1000), (63, 97), (5, 3)])
def test_previews_have_the_shape_of_the_image(shape: tuple[int, int]) -> None:
    for p in (HANN, PAPER):
        assert {array.shape for array in stages(noise(*shape), p)} == {shape}


@pytest.mark.parametrize("p", ALL)
def test_shapes_are_known_beforehand_even_of_no_patches(p: PreprocessingSettings) -> None:
    none = features(np.zeros((0, 64, 64), np.float32), p)
    assert {name: array.shape[1:] for name, array in none.items()} == feature_shapes(p)
    assert {len(array) for array in none.values()} == {0}


def test_input_is_left_alone() -> None:
    image = pattern()
    stages(image, HANN)
    np.testing.assert_array_equal(image, pattern())


def test_half_a_turn_changes_nothing_and_a_quarter_does() -> None:
    """Why the abstract's four rotations are two for the networks."""
    p = replace(PAPER, threshold=0.0)
    flat = filter_image(pattern(), p)
    fft = [features(np.rot90(flat, turns)[None], p)["fft"] for turns in range(4)]
    np.testing.assert_allclose(fft[0], fft[2], atol=1e-4)
    np.testing.assert_allclose(fft[1], fft[3], atol=1e-4)
    assert np.abs(fft[0] - fft[1]).max() > 1


@pytest.mark.parametrize("shape", [(64,), (2, 64, 64), (0, 64)])
def test_previews_need_one_frame(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="give one frame of shape"):
        stages(np.zeros(shape, np.float32), HANN)
