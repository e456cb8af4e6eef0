"""Bright or dark columns: what an image shows, what a model expects, and inversion between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_stem_defects.anomaly.contrast import has_dark_columns
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import EnsembleSpec

ContrastChoice = Literal["auto", "bright", "dark"]
CONTRASTS: tuple[ContrastChoice, ...] = ("auto", "bright", "dark")
"""What a user may state about the columns of an image."""

INVERTED = "Dark columns on a bright ground (bright field): the image was inverted for the model."
INVERTED_BY_USER = "The image was inverted for the model, as chosen (dark columns)."

# Only the pretrained models of one crystal have figures on simulated scenes; these have bright
# columns. What other models were trained on is not known, so their images are inverted on request.
_TRAINED_ON_SCENES = "on_new_scenes"


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
    sign : int or None
        1 where the columns of ``micrograph`` are known to be bright; None where a model of the
        lattice residual decides by itself.
    """

    micrograph: Micrograph
    is_inverted: bool = False
    statement: str = ""
    sign: int | None = None


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
        Columns of the image. "auto" inverts clearly dark columns for models that are known to be
        trained on bright ones; models of the lattice residual need no inversion.

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
    if contrast == "dark":
        return SettledContrast(inverted(micrograph), True, INVERTED_BY_USER, 1)
    if contrast == "bright":
        return SettledContrast(micrograph, sign=1)
    expects_bright = _TRAINED_ON_SCENES in spec.training and not spec.sees_residual
    if expects_bright and has_dark_columns(micrograph.pixels, measured.cells):
        return SettledContrast(inverted(micrograph), True, INVERTED)
    return SettledContrast(micrograph)


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
