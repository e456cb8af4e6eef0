"""Clicks that their own model does not find, with advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.training.left_out import at_click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.matched_filter.examples import Click
    from napari_stem_defects.training.quick_images import LabelledImage, PreparedImage
    from napari_stem_defects.training.quick_search import Found

_LISTED = 3


def missed_remarks(
    images: Sequence[LabelledImage],
    clicks: Sequence[Click],
    prepared: Sequence[PreparedImage],
    classes: Sequence[DefectClass],
    search: Callable[[int], Found],
) -> tuple[str, ...]:
    """State which clicks the model made of them does not find, and what to do.

    Parameters
    ----------
    images : sequence of LabelledImage
    clicks : sequence of Click
    prepared : sequence of PreparedImage
        In the order of the images.
    classes : sequence of DefectClass
        Bulk, then the classes of the model.
    search : callable
        Searches the image of a number with the model of all clicks.

    Returns
    -------
    tuple of str
        One sentence for each class of which clicks are missed.
    """
    notes = []
    for column, each in enumerate(classes):
        mine = [click for click in clicks if click.class_name == each.name]
        if each.name == BULK:
            continue
        lost = [
            click
            for click in mine
            if at_click(click, prepared[click.image], search(click.image), classes)[column] < 0.5
        ]
        if lost:
            notes.append(
                f"{each.name}: the model does not find {len(lost)} of its own {len(mine)} clicks"
                f" ({_places(images, prepared, lost)}); check their place and class, or give what"
                " looks different there a class of its own."
            )
    return tuple(notes)


def _places(
    images: Sequence[LabelledImage], prepared: Sequence[PreparedImage], clicks: Sequence[Click]
) -> str:
    """Return the first few places in px and nm, with their images if there are several."""
    listed = []
    for click in clicks[:_LISTED]:
        micrograph = images[click.image].micrograph
        sampled = prepared[click.image].residual.sampled
        y, x = sampled.to_image(np.array([click.y, click.x]))
        at = (round(float(y), 1), round(float(x), 1))
        where = f"y, x {list_in_both_units(at, micrograph.pixel_size_nm, ', ')}"
        listed.append(f"{micrograph.name}: {where}" if len(images) > 1 else where)
    more = len(clicks) - _LISTED
    return "; ".join([*listed, f"and {more} more"] if more > 0 else listed)
