"""Model card: the description of an ensemble as Markdown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.networks.model_card import model_card
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

FIGURES = {"classes": {"SF1": {
    "tp": 8, "fn": 2, "tn": 85, "fp": 5, "calibration_error": None,
    "precision": 8 / 13, "precision_interval": [0.35, 0.83], "recall": None,
}}}  # fmt: skip
SPEC = EnsembleSpec(
    "mine",
    ("Bulk", "SF1"),
    seeds=(3, 5),
    pixel_size_nm=0.027,
    figures={"random split": FIGURES},
    versions={"torch": "2.13.0"},
    description="Trained on noise.",
    licence="BSD-3-Clause",
)


def card(spec: EnsembleSpec = SPEC) -> str:
    return model_card(spec, "abc123", data="Some data.", limits="Some limits.")


def test_the_card_holds_the_description() -> None:
    text = card()
    for part in ("# mine", "Trained on noise.", "seeds 3, 5", "0.027 nm", "sha256 abc123",
                 "torch 2.13.0", "BSD-3-Clause", "Bulk (", "SF1 ("):  # fmt: skip
        assert part in text
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == ["## Data", "## Figures", "## Limits"]
    assert text.index("Some data.") < text.index("## Figures") < text.index("Some limits.")


def test_figures_have_intervals_and_dashes_where_unknown() -> None:
    (row,) = [line for line in card().splitlines() if line.startswith("| SF1 |")]
    assert row == "| SF1 | 10 / 90 | 0.615 [0.350, 0.830] | - | 5 | - |"
    assert "random split:" in card()


@pytest.mark.parametrize(
    ("representation", "features"),
    [("real", ["filtered"]), ("fft", ["FFT magnitude"]), ("fft+real", ["filtered", "FFT"])],
)
def test_the_input_of_the_networks_is_described(representation: str, features: list[str]) -> None:
    settings = PreprocessingSettings(representation=representation)
    text = card(replace(SPEC, preprocessing=settings))
    assert all(part in text for part in features)
    assert f"patches of {both_units(settings.patch_px, SPEC.pixel_size_nm)} |" in text
