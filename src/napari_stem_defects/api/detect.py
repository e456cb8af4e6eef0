"""Detection of defects in one frame of a micrograph, for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.api.arguments import frame_of
from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.base.progress import ProgressCallback, silent
from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.detection.cutout import Cutout
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.nothing_fits import nothing_fits
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.choose import choose_from_library
from napari_stem_defects.io.models.kept_models import kept_model
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.workers.helpers import helpers_for

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.search_area import SearchAreaLike
    from napari_stem_defects.detection.contrast import ContrastChoice
    from napari_stem_defects.postprocessing.results import Detection

Model = Ensemble | str | Path
"""A loaded ensemble, the name of one in the library, or its file."""


def detect(
    micrograph: Micrograph,
    model: Model = AUTO_MODEL,
    *,
    frame: int = 0,
    stride: int | None = None,
    thresholds: Mapping[str, float] | None = None,
    device: str = "auto",
    contrast: ContrastChoice = "auto",
    area: SearchArea | SearchAreaLike | None = None,
    report: ProgressCallback | None = None,
) -> Detection:
    """Find the defects of one frame of a micrograph.

    The frame is resampled to the pixel size of the model, classified window by window (densely
    where the model allows it) and segmented into regions of one class each.

    Parameters
    ----------
    micrograph : Micrograph
        Image or stack, from `read`, `simulate` or an array.
    model : Ensemble, str or Path, default: "auto"
        Loaded ensemble, its name in the model library, or its ``.safetensors`` file; the last four
        that were used are kept, so that further images do not load them again. "auto" is the
        model of the library whose lattice geometry fits the frame. Where no special one fits, or
        the frame has no pixel size and the one that fits does not recognise the crystal,
        ``any-crystal`` gives generic names; with a pixel size, no defect gets a name then. In all
        these cases ``parameters["recognised"]`` of the result is False, and
        ``parameters["recognition"]`` states the reason.
    frame : int, default: 0
        Index of the frame in a stack.
    stride : int, optional
        Step between window centres in px at the pixel size of the model. Smaller strides give
        finer maps and take longer. By default the stride of the model.
    thresholds : mapping of str to float, optional
        Probability, 0 to 1, at or above which a class is assigned. Classes that are missing keep
        the threshold of the model.
    device : {"auto", "cpu", "cuda", "mps"}, default: "auto"
        Processor that evaluates the networks; "auto" uses a GPU if there is one.
    contrast : {"auto", "bright", "dark"}, default: "auto"
        Whether atomic columns are brighter or darker (as in bright field) than the ground between
        them. The image is inverted where the model was trained on the other contrast; "auto" does
        so where the columns are clear and the contrast of the training is known, and
        ``parameters["warnings"]`` then states it.
    area : SearchArea, (top, left, bottom, right) or outlines of (y, x) points, optional
        Part of the frame to search, in px of the frame. By default the whole frame. Positions in
        the result refer to the whole frame; masks and regions are cut at the area.
    report : callable, optional
        Function that is called with a `Progress` after every batch. Exceptions that it raises,
        such as `Cancelled`, end the detection. By default progress is ignored.

    Returns
    -------
    Detection
        Regions, probability map and masks of the frame.

    Raises
    ------
    InputError
        The model cannot be used, the frame does not exist, or the image does not suit the model.

    Examples
    --------
    >>> import napari_stem_defects as sd
    >>> simulation = sd.simulate(size=256)
    >>> detection = sd.detect(simulation.micrograph, stride=16, device="cpu")
    >>> detection.parameters["model_choice"].partition(":")[0]
    'model cdte-110 (70.5 degrees, ratio 1.00, planes 0.374 nm apart) chosen'
    >>> "SF1" in {region.class_name for region in detection.regions}
    True
    """
    shown, choice = frame_of(micrograph, frame), ""
    _check_numbers(stride, {} if thresholds is None else thresholds)
    if isinstance(model, str) and model == AUTO_MODEL:
        chosen = choose_from_library(shown)
        if chosen.entry is None:
            return nothing_fits(shown, chosen.measured, chosen.statement, frame)
        model, choice = chosen.entry.path, chosen.statement
    return detect_with(
        model if isinstance(model, Ensemble) else kept_model(find_model(model)),
        shown,
        area=None if area is None else SearchArea.from_value(area),
        choice=choice,
        stride=None if stride is None else int(stride),
        thresholds=thresholds,
        device=device,
        contrast=contrast,
        frame=frame,
        report=report or silent,
    )


def _check_numbers(stride: Any, thresholds: Any) -> None:
    if stride is not None and not (
        isinstance(stride, Real) and float(stride) >= 1 and float(stride).is_integer()
    ):
        raise InputError(f"stride {stride}: give a whole number of px above 0")
    if not isinstance(thresholds, Mapping):
        raise InputError(f"thresholds {thresholds}: give them by class, such as {{'SF1': 0.5}}")
    for name, value in thresholds.items():
        if not (isinstance(value, Real) and 0 <= float(value) <= 1):
            raise InputError(f"threshold {value} for {name}: give a probability from 0 to 1")


def detect_with(
    ensemble: Ensemble,
    micrograph: Micrograph,
    *,
    area: SearchArea | None,
    alone: bool = True,
    **options: Any,
) -> Detection:
    """Find the defects of a frame, or of a part of it, with a loaded ensemble.

    Parameters
    ----------
    ensemble : Ensemble
    micrograph : Micrograph
        One frame.
    area : SearchArea or None
        Part of the frame to search; None for all of it.
    alone : bool
        Whether no other frame is searched at the same time, so that a large one may use helper
        processes.
    **options
        Further parameters of `detection.detect_frame.detect_frame`.

    Returns
    -------
    Detection
    """
    cutout = Cutout.of(micrograph, area, ensemble.spec)
    with helpers_for(cutout.part.pixels) if alone else nullcontext():
        found = detect_frame(cutout.part, ensemble, **options)
    if cutout.area is not None:
        found = cutout.result(found).detection()
    return replace(found, model={"name": ensemble.spec.name, "sha256": ensemble.sha256})
