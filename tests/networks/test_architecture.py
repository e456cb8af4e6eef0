"""Architectures of models."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from napari_stem_defects.errors import ModelError
from napari_stem_defects.networks.architecture import (
    Architecture,
    MatchedFilterArchitecture,
    parse_architecture,
)


@pytest.mark.parametrize(
    "sizes",
    [
        Architecture(),
        MatchedFilterArchitecture(7.0, (1, 0, 3), negatives=2),
        MatchedFilterArchitecture(7.0, (1, 0, 3), sites=(1, 0, 0)),
        MatchedFilterArchitecture(7.0, (1, 0, 3), sites=(1, 0, 0), site_patterns=3),
        MatchedFilterArchitecture(7.0, (1, 0, 3), units=1.5),
    ],
)
def test_architectures_survive_json(sizes: Architecture | MatchedFilterArchitecture) -> None:
    values = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(sizes).items()}
    assert parse_architecture(values) == sizes


@pytest.mark.parametrize(
    "change",
    [
        {"samples": float("nan")},
        {"samples": 0.1},
        {"templates": ()},
        {"templates": (-1,)},
        {"templates": (1.5,)},
        {"negatives": 10**6},
        {"name": "other"},
        {"site_patterns": 3},
        {"sites": (1,), "site_patterns": 5},
        {"units": 0.5},
        {"units": float("nan")},
        {"units": 1e3},
    ],
)
def test_sizes_that_are_not_possible_are_refused(change: dict[str, object]) -> None:
    values = asdict(MatchedFilterArchitecture(7.0, (1,)))
    with pytest.raises(ModelError):
        MatchedFilterArchitecture(**{**values, **change})  # type: ignore[arg-type]


def test_models_of_earlier_versions_have_no_site_filters() -> None:
    values = asdict(MatchedFilterArchitecture(7.0, (1, 2)))
    del values["sites"]
    assert parse_architecture(values) == MatchedFilterArchitecture(7.0, (1, 2))


@pytest.mark.parametrize("sites", [(1,), (1, -1), (1, 5000), (0, 0.5)])
def test_numbers_of_site_filters_that_no_model_has_are_refused(sites: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="out of range"):
        MatchedFilterArchitecture(7.0, (1, 2), sites=sites)
