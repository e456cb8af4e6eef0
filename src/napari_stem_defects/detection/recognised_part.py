"""Whether a model recognises any part of an image, before all of it is searched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.detection.checked_settings import (
    all_thresholds,
    check_size,
    checked_stride,
)
from napari_stem_defects.detection.contrast import settle_contrast
from napari_stem_defects.detection.recognition import Recognition, recognise
from napari_stem_defects.detection.window_probabilities import window_probabilities
from napari_stem_defects.lattice.scale import match_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import Ensemble

_WHOLE_PX, _PART_PX = 768, 512
"""Edge of an image that is looked at as a whole, and of a part of a larger one, in px of the
model."""
_PLACES = ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))
"""Where the parts are, in shares of height and width: a crack or a film may be in the middle."""


def recognise_part(
    micrograph: Micrograph, ensemble: Ensemble, measured: LatticeMeasurement
) -> Recognition:
    """Decide whether a model recognises the crystal of an image somewhere.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    ensemble : Ensemble
        Of patches, whose lattice geometry fits.
    measured : LatticeMeasurement
        The lattice of the frame.

    Returns
    -------
    Recognition
        That of the first part that is recognised, or of the last one.

    Raises
    ------
    InputError
        The image is too small, or its scale does not suit the ensemble.
    """
    spec = ensemble.spec
    check_size(micrograph)
    settled = settle_contrast(micrograph, measured, spec, "auto")
    scale = match_scale(settled.micrograph, spec.target_scale)
    stride, limits = checked_stride(None, spec), all_thresholds({}, spec)
    found = Recognition(True)
    for part in _parts(scale.micrograph, scale.factor):
        windows, _ = window_probabilities(replace(scale, micrograph=part), ensemble, stride)
        found = recognise(windows, limits, spec.name, measured)
        if found.recognised:
            break
    return found


def _parts(micrograph: Micrograph, factor: float) -> Iterator[Micrograph]:
    """Yield the image, or parts of a large one."""
    height, width = micrograph.frame_shape
    if height * width * factor**2 <= _WHOLE_PX**2:
        yield micrograph
        return
    edges = [min(length, round(_PART_PX / factor)) for length in (height, width)]
    for place in _PLACES:
        start = [
            int(np.clip(share * length - edge / 2, 0, length - edge))
            for share, length, edge in zip(place, (height, width), edges, strict=True)
        ]
        part = tuple(slice(at, at + edge) for at, edge in zip(start, edges, strict=True))
        invalid = None if micrograph.invalid is None else micrograph.invalid[part]
        yield replace(micrograph, pixels=micrograph.pixels[part], invalid=invalid)
