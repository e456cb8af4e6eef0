"""Cards are self-contained, and no text of a file becomes markup."""

from __future__ import annotations

import numpy as np
from html_cards import Card

from napari_stem_defects.reporting.notebook.html_card import Swatch, card, enlarged, step_of


def test_texts_are_escaped() -> None:
    evil = "<script>alert('x')</script>&"
    found = Card(card(evil, [evil], (), ("a", evil), [(Swatch(evil, "#ffffff"), evil)]))
    assert found.texts.count(evil) == 5
    assert found.rows == [["a", evil], [evil, evil]]


def test_long_tables_state_how_many_rows_follow() -> None:
    found = Card(card("t", [], (), ("n", "share"), [(n, n / 7) for n in range(15)]))
    assert found.rows[1] == ["0", "0"]
    assert found.rows[2] == ["1", "0.1429"]
    assert found.rows[-1] == ["and 5 more"]
    assert len(found.rows) == 12


def test_pictures_are_inside_the_page() -> None:
    grey, colour = np.arange(12, dtype=np.uint8).reshape(3, 4), np.zeros((2, 2, 3), np.uint8)
    found = Card(card("t", [], [grey, colour]))
    np.testing.assert_array_equal(found.pictures[0], grey)
    assert found.pictures[1].shape == (2, 2, 3)
    assert found.rows == []


def test_pictures_have_a_moderate_size() -> None:
    assert step_of((4096, 2048)) == 15
    assert step_of((100, 50)) == 1
    assert enlarged(np.zeros((100, 50), np.uint8)).shape == (200, 100)
    assert enlarged(np.zeros((300, 50, 3), np.uint8)).shape == (300, 50, 3)


def test_empty_cells_stay_empty() -> None:
    assert Card(card("t", [], (), ("a",), [(None,)])).rows == [["a"], [""]]
