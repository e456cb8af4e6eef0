"""Sites become features and targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.errors import LabelError
from napari_stem_defects.preprocessing.pipeline import (
    features,
    filter_image,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.augmentation import Augmentation
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, from_patches, join
from napari_stem_defects.training.label_extent import defect_label_extent, sampling_jitter
from napari_stem_defects.training.sampling import (
    augmented_samples,
    join_samples,
    plain_samples,
    scene_samples,
)

BOTH = PreprocessingSettings(representation="fft+real")


def noise(seed: int = 0, height: int = 150, width: int = 180) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def clicked(*points: tuple[float, float], seed: int = 0, label: str = "SF1") -> TrainingSet:
    y, x = np.array(points, float).T
    return from_clicks([Clicks(noise(seed), y, x, (label,) * len(points))])


PATCHES = from_patches(np.stack([noise(seed)[:64, :64] for seed in range(5)]), list("aabbb"))


def test_plain_windows_are_those_of_detection() -> None:
    data = clicked((80.2, 60.7), (0, 0), (149, 179))
    samples = plain_samples(data, BOTH)
    padded = np.pad(filter_image(noise(), BOTH), 32)
    windows = np.stack([padded[y : y + 64, x : x + 64] for y, x in ((80, 61), (0, 0), (149, 179))])
    for name, array in features(windows, BOTH).items():
        np.testing.assert_array_equal(samples.features[name], array)
    np.testing.assert_array_equal(samples.targets, data.targets)


def test_plain_patches_are_whole_and_in_order() -> None:
    samples = plain_samples(PATCHES, BOTH)
    assert len(samples) == 5
    for index, patch in enumerate(PATCHES.images):
        for name, array in features(filter_image(patch, BOTH)[None], BOTH).items():
            np.testing.assert_allclose(samples.features[name][index], array[0], atol=1e-6)


def test_without_augmentation_patches_are_turned_and_mirrored_only() -> None:
    samples = augmented_samples(PATCHES, BOTH, None, views=8, seed=0)
    assert len(samples) == 40
    np.testing.assert_array_equal(samples.targets, np.tile(PATCHES.targets, (8, 1)))
    plain = plain_samples(PATCHES, BOTH).features["real"][:, 0]
    seen = samples.features["real"].reshape(8, 5, 64, 64)
    turns = [np.rot90(plain, k, axes=(1, 2)) for k in range(4)]
    mirrored = [np.rot90(plain[:, :, ::-1], k, axes=(1, 2)) for k in range(4)]
    np.testing.assert_allclose(seen, turns + mirrored, atol=1e-5)


def test_every_view_of_a_patch_keeps_its_targets() -> None:
    samples = augmented_samples(PATCHES, BOTH, Augmentation(), views=3, seed=0)
    np.testing.assert_array_equal(samples.targets, np.tile(PATCHES.targets, (3, 1)))
    assert all(np.isfinite(array).all() for array in samples.features.values())


def test_sites_outside_a_view_are_skipped() -> None:
    """Corner sites are often turned out of the frame; what is kept shows the parent."""
    data = clicked((0, 0), (0, 179), (149, 0), (149, 179), (75, 90))
    samples = augmented_samples(data, BOTH, Augmentation(), views=12, seed=1)
    assert 0 < len(samples) < 12 * len(data)
    assert (samples.features["real"][:, 0, 32, 32] != 0).all()
    assert np.isfinite(samples.features["fft"]).all()
    np.testing.assert_array_equal(samples.targets, 1)


def test_views_may_all_be_empty() -> None:
    blank = from_clicks(
        [Clicks(np.ones((128, 128), np.float32), *np.array([[60.0], [60.0]]), ("a",))]
    )
    samples = augmented_samples(blank, BOTH, Augmentation(), views=2, seed=0)
    assert len(samples) == 0
    assert samples.features["fft"].shape == (0, 1, 48, 25)


def test_no_sites_are_refused() -> None:
    none = PATCHES.subset(np.zeros(5, bool))
    with pytest.raises(LabelError, match="nothing to train on"):
        augmented_samples(none, BOTH, None, views=1, seed=0)
    assert len(plain_samples(none, BOTH)) == 0


def test_the_same_seed_gives_the_same_samples() -> None:
    data = join([clicked((75, 90), (60, 40)), PATCHES])
    one, again, other = (
        augmented_samples(data, BOTH, Augmentation(), views=2, seed=seed) for seed in (5, 5, 6)
    )
    for name in one.features:
        np.testing.assert_array_equal(one.features[name], again.features[name])
    assert one.features["fft"].tobytes() != other.features["fft"].tobytes()


def test_windows_are_shifted_within_the_label_extent() -> None:
    """A bright dot marks the site; the centre of every window is within extent times scale."""
    image = 0.01 * noise()
    image[75, 90] = 1
    data = from_clicks([Clicks(image, np.array([75.0]), np.array([90.0]), ("LC",))])
    data = data.subset(np.array([bool(name) for name in data.labels]))
    still = replace(Augmentation(), noise=0, background=0, gamma=(1, 1))
    settings = replace(BOTH, contrast_px=0, window="none", representation="real")
    seen = augmented_samples(data, settings, still, views=40, seed=0).features["real"][:, 0]
    peaks = np.array([np.unravel_index(window.argmax(), window.shape) for window in seen]) - 32
    distance = np.hypot(*peaks.T)
    assert distance.max() <= data.extent_px[0] * 1.18 * 1.04 + 2
    assert distance.mean() > 1


def test_a_view_shows_some_of_many_sites_and_all_of_few() -> None:
    rng = np.random.default_rng(0)
    y, x = rng.uniform(60, 90, 60), rng.uniform(70, 110, 60)
    labels = ("SF1",) * 50 + ("SF2",) * 10
    data = from_clicks([Clicks(noise(), y, x, labels)])
    apart = replace(data, targets=np.eye(2, dtype=np.float32)[[0] * 50 + [1] * 10])
    samples = augmented_samples(
        apart, BOTH, Augmentation(), views=10, seed=0, max_per_class=20
    ).targets
    assert samples[:, 0].sum() == 200
    assert samples[:, 1].sum() == 100


def test_every_site_is_in_some_view() -> None:
    """The target of a site is its own number here."""
    y, x = np.random.default_rng(0).uniform(65, 85, (2, 30))
    data = from_clicks([Clicks(noise(), y, x, ("SF1",) * 30)])
    data = replace(data, targets=np.arange(30, dtype=np.float32)[:, None])
    samples = augmented_samples(data, BOTH, Augmentation(), views=25, seed=0, max_per_class=10)
    assert set(samples.targets[:, 0]) == set(range(30))
    first = augmented_samples(data, BOTH, Augmentation(), views=1, seed=0, max_per_class=10)
    assert len(first) == 10


def test_reports_and_cancels() -> None:
    steps: list[Progress] = []
    data = join([clicked((75, 90)), clicked((20, 20), seed=1), PATCHES])
    augmented_samples(data, BOTH, None, views=2, seed=0, report=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("augmenting patches", 1, 2),
        ("augmenting patches", 2, 2),
        *(("augmenting images", done, 4) for done in (1, 2, 3, 4)),
    ]

    def cancel(step: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        augmented_samples(data, BOTH, None, views=2, seed=0, report=cancel)


def test_joining_puts_one_after_the_other() -> None:
    one, other = (
        plain_samples(PATCHES, BOTH),
        augmented_samples(PATCHES, BOTH, None, views=2, seed=0),
    )
    both = join_samples([one, other])
    assert len(both) == 15
    np.testing.assert_array_equal(both.features["fft"][5:], other.features["fft"])
    np.testing.assert_array_equal(both.targets[:5], one.targets)


def distances(shape: tuple[int, int] = (150, 180)) -> dict[str, np.ndarray]:
    """Return the distance to a fault at x = 60 and to a vacancy at (100, 130)."""
    y, x = np.indices(shape, dtype=np.float32)
    return {"SF1": np.abs(x - 60), "Vacancy_CdTe": np.hypot(y - 100, x - 130)}


@pytest.mark.parametrize("crystalline", [True, False])
def test_scenes_have_complete_targets(crystalline: bool) -> None:
    classes = ("Bulk", "SF1", "LC")
    settings = replace(BOTH, window="none", contrast_px=0, representation="real")
    image = distances()["SF1"] + 1000 * distances()["Vacancy_CdTe"]
    samples = scene_samples(
        image,
        distances(),
        classes,
        settings,
        crystal=np.full(image.shape, crystalline, np.float32),
        count=400,
        radius_px=8.0,
        seed=0,
    )
    bulk, fault, junction = samples.targets.T
    assert not junction.any()
    assert {*np.unique(fault[~np.isnan(fault)])} == {0, 1}
    assert 0.05 < (fault == 1).mean() < 0.8
    assert np.isnan(fault).any()
    if not crystalline:
        assert not bulk.any()
        return
    assert (bulk[fault == 1] == 0).all()
    assert np.isnan(bulk).sum() >= np.isnan(fault).sum()
    # Some windows are on the vacancy, of which this ensemble knows only that it is not bulk.
    assert ((fault == 0) & (bulk == 0)).any()
    assert (bulk == 1).any()


def test_scenes_without_defects_are_bulk() -> None:
    image = noise()
    samples = scene_samples(
        *(image, {}, ("Bulk", "SF1"), BOTH),
        crystal=np.ones_like(image),
        count=30,
        radius_px=8.0,
        seed=0,
    )
    np.testing.assert_array_equal(samples.targets, [[1, 0]] * 30)


def test_bulk_ends_with_the_crystal() -> None:
    """Left of the edge is Bulk, right of it nothing is; near it the target is unknown."""
    settings, edge, image = replace(BOTH, representation="real"), 90, noise()
    crystal = np.zeros_like(image)
    crystal[:, :edge] = 1
    samples = scene_samples(
        *(image, {}, ("Bulk",), settings), crystal=crystal, count=400, radius_px=8.0, seed=0
    )
    # Of noise no two pixels are alike, so the central pixel of a window shows where it was cut.
    flat, middle = filter_image(image, settings), samples.features["real"][:, 0, 32, 32]
    x = np.array([np.argwhere(flat == value)[0, 1] for value in middle])
    bulk = samples.targets[:, 0]
    assert (bulk[x < edge - 21] == 1).all()
    assert np.isnan(bulk[(x > edge - 20) & (x < edge - 1)]).all()
    assert (bulk[x > edge + 1] == 0).all()


def test_jitter_at_a_point_defect_covers_the_sliding_window_step() -> None:
    """From a defect up to the radius of its label; from bulk beside it half of that."""
    y, x = np.array([60.0, 60.0, 68.0]), np.array([60.0, 68.0, 60.0])
    data = from_clicks([Clicks(noise(), y, x, ("Mis", "Bulk", "Bulk"))])
    radius = defect_label_extent(data.extent_px)
    assert radius == pytest.approx(3.2)
    np.testing.assert_allclose(
        sampling_jitter(data.kinds(), data.extent_px)[:3], [radius, radius / 2, radius / 2]
    )
    seldom = from_clicks(
        [Clicks(noise(height=300, width=300), 2.5 * y, 2.5 * x, ("Mis", "Bulk", "SF1"))]
    )
    np.testing.assert_array_equal(
        sampling_jitter(seldom.kinds(), seldom.extent_px), seldom.extent_px
    )
