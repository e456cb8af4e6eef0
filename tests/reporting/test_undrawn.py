from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_stem_defects.reporting.undrawn import draw_or_state, page_with_note


def test_a_picture_that_is_drawn_is_returned_without_a_note() -> None:
    picture = Image.new("RGB", (3, 4))
    assert draw_or_state(lambda: picture, "The overview") == (picture, "")


@pytest.mark.parametrize("error", [IndexError("index 9 is out of bounds"), MemoryError()])
def test_a_picture_that_fails_becomes_a_page_with_a_note(error: Exception) -> None:
    def draw() -> Image.Image:
        raise error

    page, note = draw_or_state(draw, "The overview")
    assert note.startswith(f"The overview could not be drawn ({type(error).__name__}")
    assert "\n" not in note
    assert np.asarray(page).min() < 100, "the page holds the note"


def test_an_interruption_is_passed_on() -> None:
    def draw() -> Image.Image:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_or_state(draw, "The overview")


def test_a_note_with_any_signs_is_written() -> None:
    assert page_with_note("Größe \U0001f600 \x00 é" * 40).width == 1000
