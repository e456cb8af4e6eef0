"""The stages of preprocessing, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.api.arguments import frame_of
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.preprocessing.pipeline import Stages, stages
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray


def preprocess(
    image: Micrograph | NDArray[Any],
    settings: PreprocessingSettings | None = None,
    *,
    frame: int = 0,
) -> Stages:
    """Return the five stages of one frame, or of a patch of any size, for display.

    Parameters
    ----------
    image : Micrograph or array of numbers, shape (Y, X)
        An image or a stack; intensities of an array.
    settings : PreprocessingSettings, optional
        Parameters of all stages; by default those of new models.
    frame : int, default: 0
        Index of the frame in a stack.

    Returns
    -------
    Stages

    Raises
    ------
    InputError
        If the frame does not exist, the settings are none, or the array is not one frame of at
        least one pixel.

    Examples
    --------
    >>> image = sd.simulate(size=128).micrograph
    >>> found = sd.preprocess(image, sd.PreprocessingSettings(threshold=0.3))
    >>> bool(found.normalised.max() == 1)
    True
    """
    if not isinstance(settings, PreprocessingSettings | None):
        raise InputError(f"settings {settings!r}: give sd.PreprocessingSettings")
    if not isinstance(image, Micrograph):
        image = Micrograph(np.asarray(image), "array")
    return stages(frame_of(image, frame).pixels, settings or PreprocessingSettings())
