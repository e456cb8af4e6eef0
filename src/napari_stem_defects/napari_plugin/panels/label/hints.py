"""What mouse and keys do in the panel Label patches, in one or two lines."""

from __future__ import annotations

_WITHOUT_IMAGE = "Open an image to label, or a project."
_WITHOUT_PROJECT = "Click on the image to set a label; a project for it starts by itself."
_CLICKS = (
    "Click to set a label, drag its centre to move it, right-click or press Delete to remove it,"
    " press 1-9 to select the class."
)
_PAINTING = "Drag over an area to fill it with labels of the class; Paint area again ends it."


def hint_text(has_image: bool, has_project: bool, is_painting: bool) -> str:
    """Return what the next click does.

    Parameters
    ----------
    has_image : bool
        Whether there is an image to label.
    has_project : bool
        Whether a label project is open.
    is_painting : bool
        Whether the brush is active.
    """
    if not has_image:
        return _WITHOUT_IMAGE
    if is_painting:
        return _PAINTING
    return _CLICKS if has_project else _WITHOUT_PROJECT
