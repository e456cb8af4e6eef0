"""Point defects are decided at their sites: the same count in whatever form an image comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.detection import decided_sites
from napari_stem_defects.detection.decided_sites import CERTAIN, SearchedImage, decide_sites
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.postprocessing.results import ProbabilityMap
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE, STEP = (160, 200), 8
THRESHOLDS = {"A": 0.7, "B": 0.7, "line": 0.5}
CLASSES = (
    DefectClass("A", "point"),
    DefectClass("B", "point"),
    DefectClass("line", "line"),
)
Evidence = dict[str, "Callable[[np.ndarray], np.ndarray]"]


def a_map(**peaks: dict[tuple[int, int], float]) -> ProbabilityMap:
    """Return a map with the probabilities of some windows (row, column) of each class."""
    y, x = (np.arange(4, length, STEP, dtype=np.float32) for length in SHAPE)
    probability = np.full((3, len(y), len(x)), 0.01, np.float32)
    for number, name in enumerate(("A", "B", "line")):
        for at, value in peaks.get(name, {}).items():
            probability[(number, *at)] = value
    valid = np.ones(probability.shape[1:], bool)
    return ProbabilityMap(probability, y, x, ("A", "B", "line"), valid, CLASSES)


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Callable[[ProbabilityMap, Evidence], ProbabilityMap]:
    """Decide with a function of the position for each class in place of the networks."""
    from napari_stem_defects.inference import site_evidence

    def decided(found: ProbabilityMap, evidence: Evidence) -> ProbabilityMap:
        class Fake:
            def __init__(self, filtered: Any, ensemble: Any, name: str, device: str) -> None:
                self._name = name

            def probabilities(self, at: np.ndarray) -> np.ndarray:
                return np.asarray(evidence[self._name](at), np.float32)

        monkeypatch.setattr(site_evidence, "SiteEvidence", Fake)
        image = SearchedImage(np.zeros(SHAPE, np.float32), (), np.zeros(SHAPE), (1.0, 1.0), 16.0)
        return decide_sites(found, image, None, THRESHOLDS, "cpu")  # type: ignore[arg-type]

    return decided


def everywhere(probability: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda at: np.full(len(at), probability)


def test_the_peak_becomes_what_was_decided(decide: Any) -> None:
    found = a_map(A={(8, 8): 0.6, (8, 9): 0.4, (15, 20): 0.9})
    result = decide(found, {"A": everywhere(0.95), "B": everywhere(0.0)})
    assert result.probability[0, 8, 8] == pytest.approx(0.95, abs=1e-5)
    assert 0.4 < result.probability[0, 8, 9] < 0.95
    assert result.probability[0, 15, 20] == pytest.approx(0.95, abs=1e-5)
    assert found.probability[0, 8, 8] == pytest.approx(0.6)  # the map given is left as it is


def test_what_is_certain_and_what_is_no_point_stays_as_found(decide: Any) -> None:
    found = a_map(A={(8, 8): 0.9995, (8, 9): 0.8}, line={(4, 4): 0.6})
    result = decide(found, {"A": everywhere(0.1), "B": everywhere(0.1)})
    np.testing.assert_array_equal(result.probability, found.probability)
    assert CERTAIN < 0.9995


def test_faint_windows_are_no_candidates(decide: Any) -> None:
    found = a_map(A={(8, 8): 0.09})
    result = decide(found, {"A": everywhere(1.0), "B": everywhere(1.0)})
    np.testing.assert_array_equal(result.probability, found.probability)


def test_one_site_has_one_name(decide: Any) -> None:
    """The rest of the probability is left to the name with less evidence."""
    found = a_map(A={(8, 8): 0.9}, B={(8, 9): 0.8})
    result = decide(found, {"A": everywhere(0.9), "B": everywhere(0.8)})
    assert result.probability[0, 8, 8] == pytest.approx(0.9, abs=1e-5)
    assert result.probability[1, 8, 9] == pytest.approx(0.1 * 0.8, abs=1e-5)
    apart = decide(
        a_map(A={(8, 8): 0.9}, B={(8, 11): 0.8}), {"A": everywhere(0.9), "B": everywhere(0.8)}
    )
    assert apart.probability[1, 8, 11] == pytest.approx(0.8, abs=1e-5)


def test_two_candidates_of_one_defect_are_one(decide: Any) -> None:
    """A window 20 px away whose evidence leads to the defect beside it is no second defect."""
    defect = np.array((70.0, 72.0))

    def around_the_defect(at: np.ndarray) -> np.ndarray:
        return 0.99 - np.clip(np.hypot(*(at - defect).T) / 40, 0, 0.9)

    found = a_map(A={(8, 8): 0.95, (8, 9): 0.7, (8, 10): 0.2, (8, 11): 0.6})
    result = decide(found, {"A": around_the_defect, "B": everywhere(0.0)})
    assert result.probability[0, 8, 8] > 0.9
    assert result.probability[0, 8, 11] < 0.3


def test_two_names_are_compared_at_one_place(decide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At places of their own B has more evidence; at the column that both are about, A has."""
    column = np.array((70.0, 72.0))
    monkeypatch.setattr(decided_sites, "find_site", lambda *_: (column[0], column[1]))

    def near_the_column(at: np.ndarray) -> np.ndarray:
        return np.where(np.hypot(*(at - column).T) < 5, 0.88, 0.8)

    def beside_the_column(at: np.ndarray) -> np.ndarray:
        return np.where(np.hypot(*(at - column).T) < 5, 0.75, 0.92)

    found = a_map(A={(8, 8): 0.9}, B={(8, 9): 0.9})
    result = decide(found, {"A": near_the_column, "B": beside_the_column})
    assert result.probability[0, 8, 8] == pytest.approx(0.88, abs=0.01)
    assert result.probability[1].max() < 0.2


def test_no_window_outlives_the_candidate_nearest_to_it(decide: Any) -> None:
    """A shoulder of a high candidate, on the side of a low one, falls as both do."""
    shoulder = dict.fromkeys([(8, 9), (8, 10), (8, 11)], 0.9)
    found = a_map(A={(8, 8): 0.99, **shoulder, (10, 11): 0.3})
    result = decide(found, {"A": everywhere(0.25), "B": everywhere(0.0)})
    assert result.probability[0].max() < 0.26


def test_beside_the_border_more_evidence_is_needed(decide: Any) -> None:
    found = a_map(A={(0, 10): 0.9, (10, 10): 0.9})
    result = decide(found, {"A": everywhere(0.9), "B": everywhere(0.0)})
    assert result.probability[0, 0, 10] < 0.5
    assert result.probability[0, 10, 10] == pytest.approx(0.9, abs=1e-5)


def test_beside_the_border_nothing_jumps(decide: Any) -> None:
    """Sites a fraction of a pixel apart, on either side of any limit, are decided alike."""
    decided = []
    for y in np.arange(0.0, 12.0, 0.25):
        found = replace(a_map(A={(0, 10): 0.9}), y=np.arange(y, 160 + y, STEP, dtype=np.float32))
        result = decide(found, {"A": everywhere(0.95), "B": everywhere(0.0)})
        decided.append(result.probability[0, 0, 10])
    steps = np.diff(np.log(np.array(decided) / (1 - np.array(decided))))
    assert decided[0] < 0.5 < 0.94 < decided[-1]
    assert 0 <= steps.min() <= steps.max() < 0.5


def test_the_evidence_is_sought_between_the_windows(decide: Any) -> None:
    """The middle of two windows that see the same defect, not the centre of one."""
    seen: list[np.ndarray] = []

    def evidence(at: np.ndarray) -> np.ndarray:
        seen.append(at)
        return np.full(len(at), 0.9)

    decide(a_map(A={(8, 8): 0.6, (8, 9): 0.6}), {"A": evidence, "B": everywhere(0.0)})
    assert seen[0].mean(axis=0)[1] == pytest.approx(8.5 * STEP + 4, abs=1.0)


@pytest.mark.parametrize("evidence", [0.55, 0.8])
def test_a_column_is_sought_where_the_evidence_is(
    decide: Any, monkeypatch: pytest.MonkeyPatch, evidence: float
) -> None:
    """From the centre of a window, which depends on the step, it is not always found."""
    column = np.array((70.5, 70.5))

    def from_nearby(*arguments: Any) -> tuple[float, float] | None:
        is_near = np.hypot(*(np.array(arguments[-1]) - column)) < 2.8
        return (column[0], column[1]) if is_near else None

    monkeypatch.setattr(decided_sites, "find_site", from_nearby)

    def near_the_column(at: np.ndarray) -> np.ndarray:
        away = np.hypot(*(at - column).T)
        return np.where(away < 0.1, 0.95, evidence - 0.01 * away)

    # Centres of windows are 8 px apart, at 4, 12, ...; the evidence is between four of them.
    windows = {(8, 8): 0.7, (8, 9): 0.68, (9, 8): 0.68, (9, 9): 0.66}
    result = decide(a_map(A=windows), {"A": near_the_column, "B": everywhere(0.0)})
    assert result.probability[0].max() == pytest.approx(0.95, abs=1e-4)


def test_a_measured_column_is_asked_as_well(decide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    column = np.array((75.0, 73.0))
    monkeypatch.setattr(decided_sites, "find_site", lambda *_: (column[0], column[1]))

    def only_at_the_column(at: np.ndarray) -> np.ndarray:
        return np.where(np.hypot(*(at - column).T) < 0.1, 0.97, 0.2)

    result = decide(a_map(A={(8, 8): 0.6}), {"A": only_at_the_column, "B": everywhere(0.0)})
    assert result.probability[0, 8, 8] == pytest.approx(0.97, abs=1e-5)


FORMS = {
    "turned": (lambda pixels: np.rot90(pixels), None),
    "mirrored": (lambda pixels: pixels[:, ::-1], None),
    "transposed": (lambda pixels: pixels.T, None),
    "gain and offset": (lambda pixels: 2.7 * pixels + 40, None),
    "stride 4": (lambda pixels: pixels, 4),
    "stride 12": (lambda pixels: pixels, 12),
}


@pytest.mark.parametrize("seed", [2004, 2010])
def test_counts_of_a_noisy_crystal_do_not_depend_on_its_form(seed: int) -> None:
    """A scan alone names between 17 and 25 defects in the forms of the first image."""
    made = simulate("sto-001", size=320, seed=seed, rotation_deg=31.0)
    truth = Counter(each.class_name for each in made.points)
    model = load_model(find_model("sto-001"))
    for name, (form, stride) in FORMS.items():
        pixels = np.ascontiguousarray(form(made.micrograph.pixels), np.float32)
        image = replace(made.micrograph, pixels=pixels)
        found = detect_frame(image, model, device="cpu", stride=stride)
        counts = Counter(each.class_name for each in found.regions if each.kind == "point")
        assert counts == truth, name


def test_a_coarse_scan_looks_between_its_windows(decide: Any) -> None:
    """With windows 24 px apart the defect, 11 px from the nearest, is found by the evidence."""
    sparse = a_map()
    found = replace(
        sparse,
        probability=sparse.probability[:, ::3, ::3].copy(),
        y=sparse.y[::3],
        x=sparse.x[::3],
        valid=sparse.valid[::3, ::3],
    )
    defect = np.array((found.y[3] + 8.0, found.x[3] - 8.0))

    def near_the_defect(at: np.ndarray) -> np.ndarray:
        return np.where(np.hypot(*(at - defect).T) < 6, 0.97, 0.1)

    for faint in (0.6, 0.06, 0.022):
        found.probability[0, 3, 3] = faint
        result = decide(found, {"A": near_the_defect, "B": everywhere(0.0)})
        assert result.probability[0, 3, 3] > 0.9
