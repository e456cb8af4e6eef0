"""Bright or dark columns: what an image shows, what a model expects, and inversion between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_stem_defects.anomaly.contrast import (
    column_contrast,
    column_sharpness,
    contrast_name,
)
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import EnsembleSpec

ContrastChoice = Literal["auto", "bright", "dark"]
CONTRASTS: tuple[ContrastChoice, ...] = ("auto", "bright", "dark")
"""What a user may state about the columns of an image."""

_CLEAR_OF_CLICKED = 0.2
"""Sharpness from which the contrast is another one than that of the images with the clicks of a
quick model, where theirs is clear. Of 150 simulated crystals with bright columns none has -0.1."""
INVERTED = "Dark columns on a bright ground (bright field): the image was inverted for the model."
INVERTED_BRIGHT = (
    "Bright columns on a dark ground: the image was inverted for the model, which was trained on"
    " dark columns."
)
INVERTED_BY_USER = "The image was inverted for the model, as chosen ({} columns)."


@dataclass(frozen=True)
class SettledContrast:
    """An image as a model expects it.

    Attributes
    ----------
    micrograph : Micrograph
        Inverted, or as it was given.
    is_inverted : bool
    statement : str
        Why it was inverted, in one sentence; "" if it was not.
    sign : int
        1 where the columns of ``micrograph`` are bright or it is not clear, -1 where dark; models
        of the lattice residual take the more probable.
    choice : {"auto", "bright", "dark"}
        What the user stated.
    """

    micrograph: Micrograph
    is_inverted: bool = False
    statement: str = ""
    sign: int = 1
    choice: ContrastChoice = "auto"

    @property
    def columns(self) -> Literal["bright", "dark"]:
        """The columns of the image as it was given."""
        return "dark" if (self.sign < 0) != self.is_inverted else "bright"

    def bright_pixels(self) -> NDArray[np.float32]:
        """Return the image with bright columns, in which intensities are measured."""
        return (inverted(self.micrograph) if self.sign == -1 else self.micrograph).pixels


def settle_contrast(
    micrograph: Micrograph,
    measured: LatticeMeasurement,
    spec: EnsembleSpec,
    contrast: ContrastChoice = "auto",
) -> SettledContrast:
    """Return an image with the contrast that a model expects.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    measured : LatticeMeasurement
        Its lattice.
    spec : EnsembleSpec
        The model.
    contrast : {"auto", "bright", "dark"}
        Columns of the image. "auto" inverts images whose columns clearly have another contrast
        than those that the model was trained on, where that is known. Of models of the lattice
        residual only quick ones need that; the others see the sign of the columns.

    Returns
    -------
    SettledContrast

    Raises
    ------
    InputError
        The contrast is none of these.
    """
    if contrast not in CONTRASTS:
        raise InputError(f"contrast {contrast!r}: give {', '.join(CONTRASTS)}")
    expected = spec.column_contrast
    if contrast != "auto":
        if contrast == (expected if expected == "dark" else "bright") or expected == "both":
            sign = 1 if contrast == "bright" else -1
            return SettledContrast(micrograph, sign=sign, choice=contrast)
        sign = 1 if contrast == "dark" else -1
        statement = INVERTED_BY_USER.format(contrast)
        return SettledContrast(inverted(micrograph), True, statement, sign, contrast)
    if spec.sees_residual:
        cells = measured.cells
        sharpness = column_sharpness(micrograph.pixels, cells) if cells else 0.0
        shown = contrast_name(sharpness, _CLEAR_OF_CLICKED)
        if (
            not spec.is_quick
            or expected not in ("bright", "dark")
            or shown in ("unclear", expected)
        ):
            return SettledContrast(micrograph, sign=-1 if sharpness < 0 else 1)
    else:
        shown = column_contrast(micrograph.pixels, measured.cells)
    if (expected, shown) == ("bright", "dark"):
        return SettledContrast(inverted(micrograph), True, INVERTED, 1)
    if (expected, shown) == ("dark", "bright"):
        return SettledContrast(inverted(micrograph), True, INVERTED_BRIGHT, -1)
    dark = shown == "dark" or (shown == "unclear" and expected == "dark")
    return SettledContrast(micrograph, sign=-1 if dark else 1)


def inverted(micrograph: Micrograph) -> Micrograph:
    """Return an image with bright and dark exchanged, in the same range of intensities.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.

    Returns
    -------
    Micrograph
    """
    pixels = micrograph.pixels
    known = pixels if micrograph.invalid is None else pixels[~micrograph.invalid]
    ends = known if known.size else pixels
    total = np.float32(ends.min()) + np.float32(ends.max())
    return replace(micrograph, pixels=total - pixels)
