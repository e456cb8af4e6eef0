"""Test windows share no pixel with training windows; classes without a test are reported."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import InputError
from napari_stem_defects.training.augmentation import Augmentation, random_affine_view
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, from_patches
from napari_stem_defects.training.splits import MEANING, Split, SplitKind, split

GROUPED: tuple[SplitKind, ...] = ("site", "region", "image")
KINDS: tuple[SplitKind, ...] = ("random", *GROUPED)
SEEDS = st.integers(0, 2**31)


def clicked(*images: dict[str, np.ndarray], size: int = 500) -> TrainingSet:
    """Return clicks {class: points (n, 2)} in images of noise."""
    rng = np.random.default_rng(0)
    parents = []
    for points in images:
        at = np.concatenate(list(points.values()))
        labels = tuple(name for name, places in points.items() for _ in places)
        image = rng.random((size, size), dtype=np.float32)
        parents.append(Clicks(image, at[:, 0], at[:, 1], labels))
    return from_clicks(parents)


def scattered(seed: int, count: int, size: int = 500) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, size - 1, (count, 2))


def line(start: tuple[float, float], end: tuple[float, float], count: int) -> np.ndarray:
    return np.linspace(start, end, count)


def crops(seed: int, count: int = 24, images: int = 2) -> TrainingSet:
    """Return 64 px crops of a few images, of classes that know nothing of where they lie."""
    rng = np.random.default_rng(seed)
    parents = rng.random((images, 260, 260), dtype=np.float32)
    corners = rng.integers(0, 197, (count, 2))
    which = rng.integers(0, images, count)
    patches = [parents[i, y : y + 64, x : x + 64] for i, (y, x) in zip(which, corners, strict=True)]
    labels = rng.choice(["Bulk", "SF1", "LC"], count).tolist()
    return from_patches(np.stack(patches), labels)


def of(data: TrainingSet, found: Split, name: str) -> tuple[int, int]:
    """Return how many sites of a class train and test."""
    mine = np.array(data.labels) == name
    return int((found.train & mine).sum()), int((found.test & mine).sum())


def shared_pixels(data: TrainingSet, found: Split, patch_px: int = 64) -> bool:
    """Return whether any training window overlaps a test window, both as they stand."""
    at = np.column_stack([data.source_y, data.source_x]).round()
    apart = np.abs(at[found.train][:, None] - at[found.test][None]).max(2)
    same = data.source[found.train][:, None] == data.source[found.test][None]
    return bool((same & (apart < patch_px)).any())


@pytest.mark.parametrize("kind", GROUPED)
@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_crops_on_both_sides_share_no_pixel(kind: SplitKind, seed: int) -> None:
    data = crops(seed)
    found = split(data, kind, seed=seed)
    assert not (found.train & found.test).any()
    assert not shared_pixels(data, found)


@pytest.mark.parametrize("kind", GROUPED)
@given(SEEDS, st.integers(1, 3), st.sampled_from([32, 64, 128]))
@settings(max_examples=15, deadline=None)
def test_clicks_on_both_sides_share_no_pixel(
    kind: SplitKind, seed: int, images: int, patch_px: int
) -> None:
    data = clicked(
        *(
            {
                "Bulk": scattered(seed + i, 15),
                "LC": scattered(seed + 9 + i, 8),
                "SF1": scattered(i, 9),
            }
            for i in range(images)
        )
    )
    found = split(data, kind, seed=seed, patch_px=patch_px)
    assert not (found.train & found.test).any()
    assert not shared_pixels(data, found, patch_px)


def test_views_of_training_sites_show_no_pixel_of_a_test_window() -> None:
    """Augmentation turns, shrinks and shears a parent, and shifts what it cuts."""
    steps = np.arange(20, 480, 25.0)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    data = clicked({"Bulk": grid[::2], "Vacancy_CdTe": grid[1::2]})
    found = split(data, "site")
    assert found.test.any()
    tested = np.zeros((500, 500), np.float32)
    for y, x in np.column_stack([data.y, data.x])[found.test].round().astype(int):
        tested[max(y - 32, 0) : y + 32, max(x - 32, 0) : x + 32] = 1
    sites = np.column_stack([data.y, data.x])[found.train]
    rng = np.random.default_rng(0)
    for _ in range(12):
        angle = rng.uniform(0, 2 * np.pi, len(sites))
        reach = data.extent_px[found.train]
        points = sites + reach[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
        view, shifted, outside = random_affine_view(tested, points, Augmentation(), rng)
        view[outside] = 0
        inside = ((shifted >= 0) & (shifted <= 499)).all(1)
        for y, x in shifted[inside].round().astype(int):
            shown = view[max(y - 32, 0) : y + 32, max(x - 32, 0) : x + 32]
            assert shown.max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_split(kind: SplitKind) -> None:
    for data in (crops(3), clicked({"Bulk": scattered(1, 30), "LC": scattered(2, 30)})):
        one, again = split(data, kind, seed=5), split(data, kind, seed=5)
        np.testing.assert_array_equal(one.train, again.train)
        np.testing.assert_array_equal(one.test, again.test)
        assert one.untestable == again.untestable
    assert one.kind == kind
    assert kind in MEANING


def test_other_seeds_give_other_random_splits() -> None:
    data = crops(3, 60)
    tests = {split(data, "random", seed=seed).test.tobytes() for seed in range(4)}
    assert len(tests) == 4


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_random_takes_its_share_of_every_class_and_trains_on_the_rest(share: float) -> None:
    data = crops(4, 90)
    found = split(data, "random", share=share)
    np.testing.assert_array_equal(found.train, ~found.test)
    for name, count in data.counts().items():
        assert of(data, found, name)[1] == pytest.approx(share * count, abs=1.01)
    assert not found.untestable


@pytest.mark.parametrize("kind", ["site", "region"])
def test_densely_labelled_images_leave_enough_to_train_and_test_on(kind: SplitKind) -> None:
    """Every column labelled: a test click anywhere would have training clicks for neighbours."""
    steps = np.arange(5, 500, 18.0)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    fault = line((250, 0), (250, 300), 60)
    data = clicked({"Mo": grid[::2], "S": grid[1::2], "SF1": fault})
    for seed in range(3):
        found = split(data, kind, seed=seed)
        for name in ("Mo", "S"):
            train, test = of(data, found, name)
            assert train > 0.3 * data.counts()[name]
            assert test > 0.2 * data.counts()[name]
        train, test = of(data, found, "SF1")
        assert train + test >= 30
        assert ("SF1" in found.untestable) == (test == 0)


def test_a_fault_is_one_defect_however_often_it_was_clicked() -> None:
    faults = {
        "SF1": np.concatenate([line((100, 20), (100, 480), 20), line((400, 20), (400, 480), 20)]),
        "SF2": line((250, 20), (250, 480), 30),
    }
    data = clicked(faults)
    found = split(data, "site")
    assert found.untestable == {"SF2": "all 30 labels are of one defect"}
    assert of(data, found, "SF1") == (20, 20)
    assert of(data, found, "SF2") == (30, 0)


def test_clicks_on_one_point_defect_stay_together() -> None:
    places = np.array([[60.0, 60], [60, 440], [440, 60], [440, 440], [250, 250], [250, 60]])
    thrice = np.concatenate([places, places + 3, places - 3])
    data = clicked({"Vacancy_CdTe": thrice, "Bulk": scattered(0, 5)})
    for seed in range(5):
        found = split(data, "site", seed=seed)
        tested = found.test[: len(thrice)].reshape(3, len(places))
        assert (tested == tested[0]).all()
        assert tested[0].sum() in (1, 2)


def test_patches_of_one_defect_stay_together() -> None:
    """Two defects, each somewhere in 12 overlapping patches; the patches of both overlap too."""
    rng = np.random.default_rng(0)
    parent = rng.random((300, 400), dtype=np.float32)
    corners = np.concatenate(
        [rng.integers((100, left), (150, left + 50), (12, 2)) for left in (40, 240)]
    )
    patches = np.stack([parent[y : y + 64, x : x + 64] for y, x in corners])
    data = from_patches(patches, ["LC"] * 24)
    found = split(data, "site")
    assert not found.untestable
    assert {tuple(found.test[:12]), tuple(found.test[12:])} == {(True,) * 12, (False,) * 12}


def test_region_takes_one_end() -> None:
    data = clicked({"SF1": line((20, 250), (480, 250), 100)})
    found = split(data, "region")
    along = data.y
    assert found.test.sum() == pytest.approx(25, abs=2)
    ends = [
        along[found.test].min() > along[found.train].max(),
        along[found.test].max() < along[found.train].min(),
    ]
    assert any(ends)


@pytest.mark.parametrize("share", [0.15, 0.25, 0.5])
@pytest.mark.parametrize("count", [100, 101, 102, 103, 141])
def test_region_takes_its_share_to_within_half_a_slice(count: int, share: float) -> None:
    """Of a number that eight does not divide as well, several slices and classes together."""
    data = clicked({"Bulk": scattered(1, 300), "LC": scattered(2, count)})
    found = split(data, "region", share=share)
    for name, of_class in data.counts().items():
        assert of(data, found, name)[1] == pytest.approx(share * of_class, abs=of_class / 16 + 1)


def test_images_are_held_out_as_a_whole() -> None:
    images = [{"Bulk": scattered(i, 10), "LC": scattered(i + 9, 6)} for i in range(5)]
    data = clicked(*images)
    for seed in range(5):
        found = split(data, "image", seed=seed)
        assert set(data.source[found.test]).isdisjoint(data.source[found.train])
        assert len(set(data.source[found.test])) == 2
        assert len(set(data.source[found.train])) == 3


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("site", "one defect"), ("region", "one place"), ("image", "one image")],
)
def test_one_group_cannot_be_tested(kind: SplitKind, reason: str) -> None:
    rng = np.random.default_rng(0)
    parent = rng.random((100, 100), dtype=np.float32)
    corners = rng.integers(0, 30, (20, 2))
    patches = np.stack([parent[y : y + 64, x : x + 64] for y, x in corners])
    data = from_patches(patches, ["LC"] * 20)
    found = split(data, kind)
    assert found.untestable == {"LC": f"all 20 labels are of {reason}"}
    assert found.train.all()
    assert not found.test.any()


def test_classes_with_too_few_training_sites_are_trained_on_only() -> None:
    data = clicked({"LC": line((100, 100), (180, 180), 8), "Bulk": scattered(1, 3)})
    found = split(data, "site")
    assert "share no pixel with the held-out ones" in found.untestable["LC"]
    assert of(data, found, "LC") == (8, 0)


def test_a_single_label_is_used_for_training() -> None:
    data = from_patches(np.random.default_rng(0).random((1, 64, 64), dtype=np.float32), ["LC"])
    for kind in KINDS:
        found = split(data, kind)
        assert found.train.all()
        assert list(found.untestable) == ["LC"]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="by hand"):
        split(crops(0), "by hand")  # type: ignore[arg-type]


def test_a_site_of_a_line_is_all_of_it_whatever_its_name() -> None:
    """Clicks along one line are one defect; the same clicks as points are many."""
    rng = np.random.default_rng(0)
    x = np.arange(100.0, 900, 40)
    y = np.full(len(x), 500.0)
    labels = ("mine",) * len(x)
    image = rng.random((1000, 1000)).astype(np.float32)
    groups = {}
    for kind in ("point", "line"):
        classes = (DefectClass("mine", kind),)
        data = from_clicks([Clicks(image, y, x, labels, class_data=classes)])
        groups[kind] = split(data, "site").untestable
    assert "mine" not in groups["point"]
    assert "all 20 labels are of one defect" in groups["line"]["mine"]
