"""Early-exit threshold: no window on a defect reaches it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from napari_stem_defects.inference.early_exit import (
    EARLY_EXIT_PROBABILITY,
    NEVER,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec, PlattCalibration
from napari_stem_defects.training import early_exit
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.early_exit import MARGIN, MIN_SITES, early_exit_threshold
from napari_stem_defects.training.sampling import Samples, plain_samples

CLASSES = ("Bulk", "Vacancy_CdTe")


def clicks(vacancies: int, bulk: int = 30) -> TrainingSet:
    rng = np.random.default_rng(0)
    y, x = rng.uniform(0, 499, (2, vacancies + bulk))
    labels = ("Vacancy_CdTe",) * vacancies + ("Bulk",) * bulk
    return from_clicks([Clicks(rng.random((500, 500), dtype=np.float32), y, x, labels)])


def threshold_for(
    monkeypatch: pytest.MonkeyPatch,
    data: TrainingSet,
    of_bulk: list[float],
    calibration: PlattCalibration | None = None,
) -> float:
    """Return the threshold for a Bulk member with these highest logits at each shift."""
    looks = iter(of_bulk)

    def predictions(_ensemble: Ensemble, samples: Samples, *, device: str) -> np.ndarray:
        logits = np.full((len(samples), 2), -9.0, np.float32)
        logits[len(samples) // 2, 0] = next(looks)
        return logits

    monkeypatch.setattr(early_exit, "predict_logits", predictions)
    fitted = {} if calibration is None else {"Bulk": calibration}
    spec = EnsembleSpec("mine", data.classes, calibration=fitted)
    return early_exit_threshold(Ensemble(spec, {}), data)


def test_the_threshold_is_above_every_window_on_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the click, nor where a scan may see it."""
    data = clicks(MIN_SITES + 2)
    for highest in range(5):
        of_bulk = [0.0] * 5
        of_bulk[highest] = 5.0
        found = threshold_for(monkeypatch, data, of_bulk)
        assert found == pytest.approx(expit(5 + MARGIN))


def test_probabilities_are_the_calibrated_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threshold_for(monkeypatch, clicks(60), [8.0] * 5, PlattCalibration(0.5, 1.0))
    assert found == pytest.approx(expit(5 + MARGIN))


def test_the_threshold_has_a_lower_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert threshold_for(monkeypatch, clicks(60), [-9.0] * 5) == EARLY_EXIT_PROBABILITY


def test_there_is_no_early_exit_if_a_defect_looks_like_bulk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert threshold_for(monkeypatch, clicks(60), [0, 0, 99.0, 0, 0]) == NEVER


@pytest.mark.parametrize("vacancies", [0, 1, MIN_SITES - 1])
def test_there_is_no_early_exit_with_few_defects(
    monkeypatch: pytest.MonkeyPatch, vacancies: int
) -> None:
    assert threshold_for(monkeypatch, clicks(vacancies), [-9.0] * 5) == NEVER


def test_windows_are_evaluated_half_a_step_from_the_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whole patches, which have no place, only as they are."""
    seen: list[np.ndarray] = []
    real = plain_samples

    def spy(data: TrainingSet, *arguments: object) -> Samples:
        seen.append(np.column_stack([data.y, data.x]))
        return real(data, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(early_exit, "plain_samples", spy)
    threshold_for(monkeypatch, clicks(60), [0.0] * 5)
    inside = ((seen[0] > 4) & (seen[0] < 495)).all(1)
    shifted = np.array(seen)[:, inside] - seen[0][inside]
    assert len(shifted) == 5
    assert {tuple(step) for step in shifted.reshape(-1, 2).round(6)} == {
        (0, 0),
        *((down, across) for down in (-4, 4) for across in (-4, 4)),
    }
