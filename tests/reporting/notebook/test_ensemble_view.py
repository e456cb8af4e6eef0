"""An ensemble in a notebook."""

from __future__ import annotations

from dataclasses import replace

import pytest
from html_cards import Card
from quick_models import quick_model

import napari_stem_defects as sd


def evaluated() -> sd.Ensemble:
    """Return a quick model with figures of two splits."""
    model = quick_model("mine<")
    names = model.spec.classes
    shares = {"tp": 8, "fp": 2, "fn": 0, "tn": 9, "precision": 0.8, "recall": 1.0, "f1": 0.889}
    splits = {"random": {**shares, "recall": 0.5}, "site": shares}
    figures = {split: {"classes": {names[-1]: each}} for split, each in splits.items()}
    return replace(model, spec=replace(model.spec, figures=figures, description="A test."))


def test_the_card_states_classes_and_the_strictest_figures() -> None:
    found = Card(evaluated()._repr_html_())
    assert "model mine<" in found.texts
    assert "A test." in found.texts
    assert any("Held-out defects" in text for text in found.texts)
    names = [row[0] for row in found.rows[1:]]
    assert names == list(evaluated().spec.classes)
    assert found.rows[-1][4:] == ["0.8", "1", "0.889"]


def test_a_model_without_an_evaluation() -> None:
    model = quick_model()
    assert [row[4:] for row in Card(model._repr_html_()).rows[1:]] == [["", "", ""]] * len(
        model.spec.classes
    )
    with pytest.raises(sd.InputError, match="holds no evaluation, so there is nothing to plot"):
        model.plot()
    assert repr(model).startswith("Ensemble('quick', classes ")


def test_the_table_has_a_row_per_class_and_evaluation() -> None:
    pytest.importorskip("pandas")
    model = evaluated()
    found = model.to_dataframe()
    assert len(found) == 2 * len(model.spec.classes)
    row = found[(found["class"] == model.spec.classes[-1]) & (found["split"] == "random")]
    assert row["recall"].tolist() == [0.5]
    assert len(quick_model().to_dataframe()) == len(model.spec.classes)


def test_precision_and_recall_are_drawn() -> None:
    axes = evaluated().plot()
    assert [bar.get_width() for bar in axes.patches] == [0.8, 1.0]
    assert "Held-out defects" in axes.get_title()
