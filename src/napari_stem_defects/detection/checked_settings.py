"""Settings of a detection, checked against an image and an ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.lengths import both_units, list_in_both_units
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import EnsembleSpec

SMALLEST_PX = 64


def check_size(micrograph: Micrograph) -> None:
    """Refuse a stack, and an image smaller than a window.

    Parameters
    ----------
    micrograph : Micrograph

    Raises
    ------
    InputError
        One line with the size it must have.
    """
    if micrograph.is_stack:
        raise InputError(f"{micrograph.name}: a stack; detect its frames one by one")
    (height, width), size = micrograph.frame_shape, micrograph.pixel_size_nm
    if min(height, width) < SMALLEST_PX:
        raise InputError(
            f"{micrograph.name}: {list_in_both_units((width, height), size)} is smaller than one"
            f" window; give an image of at least {list_in_both_units((SMALLEST_PX,) * 2, size)}"
        )


def checked_stride(stride: int | None, spec: EnsembleSpec) -> int:
    """Return the step between windows, at most the width of a window, so that none is missed.

    Parameters
    ----------
    stride : int or None
        In px at the pixel size of the ensemble; None for that of the ensemble.
    spec : EnsembleSpec

    Returns
    -------
    int

    Raises
    ------
    InputError
        If windows would leave gaps.
    """
    width = spec.preprocessing.patch_px
    if stride is not None and stride > width:
        raise InputError(
            f"stride {both_units(stride, spec.pixel_size_nm)} leaves gaps between windows of"
            f" {both_units(width, spec.pixel_size_nm)}; give {width} or less"
        )
    return spec.inference.stride_px if stride is None else stride


def stride_statement(stride: int, spec: EnsembleSpec) -> dict[str, str]:
    """Return what to state about a step that is finer than a quicker one.

    Parameters
    ----------
    stride : int
        In px.
    spec : EnsembleSpec

    Returns
    -------
    dict of str to str
        Empty, or one sentence for the result.
    """
    from napari_stem_defects.inference.dense import quicker_stride

    quicker, size = quicker_stride(spec, stride), spec.pixel_size_nm
    if quicker is None:
        return {}
    statement = (
        f"a step of {both_units(quicker, size)} is finer than {both_units(stride, size)} and takes"
        f" less than half the time: windows share most at multiples of {both_units(8, size)}"
    )
    return {"stride_statement": statement}


def all_thresholds(thresholds: Mapping[str, float], spec: EnsembleSpec) -> dict[str, float]:
    """Return the threshold of every class: the given ones, else those of the ensemble.

    Parameters
    ----------
    thresholds : mapping of str to float
    spec : EnsembleSpec

    Returns
    -------
    dict of str to float

    Raises
    ------
    InputError
        If a class is none of the ensemble.
    """
    odd = sorted(set(thresholds) - set(spec.classes))
    if odd:
        raise InputError(f"threshold for {odd[0]}: the model knows only {', '.join(spec.classes)}")
    return {name: thresholds.get(name, spec.threshold(name)) for name in spec.classes}
