"""What the next click does."""

from __future__ import annotations

import pytest

from napari_stem_defects.napari_plugin.panels.label.hints import hint_text


@pytest.mark.parametrize(
    ("has_image", "has_project", "is_painting", "start"),
    [
        (False, False, False, "Open an image"),
        (False, True, False, "Open an image"),
        (True, False, False, "Click on the image"),
        (True, True, False, "Click to set a label"),
        (True, True, True, "Drag over an area"),
    ],
)
def test_the_hint_is_that_of_the_tool(
    has_image: bool, has_project: bool, is_painting: bool, start: str
) -> None:
    assert hint_text(has_image, has_project, is_painting).startswith(start)
