"""Live map: a quick model of the clicks so far, applied to the frame shown.

What depends on the pixels alone, the lattice residual of each frame, is kept from one click to the
next, so that a click takes only the fit of the matched filters and one search.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.base.defect_classes import BULK, complete_classes
from napari_stem_defects.base.progress import Progress
from napari_stem_defects.detection.unexplained import about_search, search_statements
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.jobs.live_map_request import FrameKey, LiveMap
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.postprocessing.results import searched_nm2
from napari_stem_defects.training.quick import clicks_of, quick_ensemble
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    PreparedImage,
    hidden_notes,
    model_from_clicks,
    prepare_image,
)
from napari_stem_defects.training.quick_search import search_prepared
from napari_stem_defects.training.spot_images import (
    window_of_clicks,
    window_outside,
    window_statement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Scale
    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.jobs.live_map_request import ClickedFrame, LiveMapRequest, PlacedLabel
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.matched_filter.model import Window
    from napari_stem_defects.postprocessing.mask_stack import MaskStack

BULK_RADIUS = 0.75
"""Radius around a Bulk click, in length units, in which nothing is found."""
_KEPT_BYTES = 600_000_000
_DRAWING_ORDER = ("area", "line", "point")
_WHOLE = 100


class _Frame(NamedTuple):
    """A frame and what is computed from its pixels alone."""

    micrograph: Micrograph
    ready: PreparedImage

    @property
    def bytes(self) -> int:
        return self.micrograph.pixels.nbytes + 2 * self.ready.values.nbytes


class PreparedFrames:
    """The frames used last, with their lattice residuals, up to a limit of memory.

    Parameters
    ----------
    limit : int
        Bytes; the frame used last is kept in any case.
    """

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[FrameKey, Scale, Window | None], _Frame] = OrderedDict()
        self._own_scales: dict[tuple[FrameKey, Window | None], Scale] = {}
        self._lattices: dict[FrameKey, LatticeMeasurement] = {}

    def clicked(
        self, frame: ClickedFrame, request: LiveMapRequest, report: ProgressCallback
    ) -> tuple[LabelledImage, LatticeMeasurement]:
        """Return a frame with its clicks, and its lattice, which is measured once.

        Parameters
        ----------
        frame : ClickedFrame
        request : LiveMapRequest
            States where the pixels are.
        report : callable

        Raises
        ------
        LabelError
            If the pixels are missing or damaged.
        """
        key = frame.key
        kept = next((each for name, each in self._kept.items() if name[0] == key), None)
        micrograph = _micrograph(key, request) if kept is None else kept.micrograph
        if key not in self._lattices:
            report(Progress("lattice", 0, _WHOLE))
        return _labelled(micrograph, frame.labels), self.lattice(key, micrograph)

    def lattice(self, key: FrameKey, micrograph: Micrograph) -> LatticeMeasurement:
        """Return the lattice of a frame, which is measured once.

        Parameters
        ----------
        key : FrameKey
        micrograph : Micrograph
            Its pixels.
        """
        if key not in self._lattices:
            pixels, size = micrograph.pixels, micrograph.pixel_size_nm
            self._lattices[key] = measure_lattices(pixels, size)
        return self._lattices[key]

    def get(
        self,
        key: FrameKey,
        request: LiveMapRequest,
        scale: Scale | None,
        report: ProgressCallback,
        window: Window | None = None,
    ) -> _Frame:
        """Return a frame; compute its residual if it is not kept.

        Parameters
        ----------
        key : FrameKey
        request : LiveMapRequest
            States where the pixels are.
        scale : Scale or None
            Of the model; None for what suits the image.
        report : callable
        window : Window, optional
            Of spots that are sought without a lattice.

        Raises
        ------
        LabelError
            If the pixels are missing or damaged, or show no lattice.
        """
        wanted = self._own_scales.get((key, window)) if scale is None else scale
        found = None if wanted is None else self._kept.get((key, wanted, window))
        if found is None:
            if key not in self._lattices or any(name[0] == key for name in self._kept):
                report(Progress("lattice", 0, _WHOLE))  # else `clicked` has just reported it
            micrograph = _micrograph(key, request)
            lattice = self.lattice(key, micrograph)
            found = _Frame(micrograph, prepare_image(micrograph, scale, window, lattice))
            wanted = found.ready.residual.sampled.scale
            if scale is None:
                self._own_scales[key, window] = wanted
        name = (key, found.ready.residual.sampled.scale, window)
        self._kept[name] = found
        self._kept.move_to_end(name)
        while len(self._kept) > 1 and sum(f.bytes for f in self._kept.values()) > self._limit:
            self._kept.popitem(last=False)
        return found


def live_map(
    request: LiveMapRequest, frames: PreparedFrames, *, report: ProgressCallback
) -> LiveMap:
    """Learn from the clicks and search the frame shown.

    Parameters
    ----------
    request : LiveMapRequest
    frames : PreparedFrames
        Keeps what does not depend on the clicks.
    report : callable

    Returns
    -------
    LiveMap

    Raises
    ------
    LabelError
        If no click shows a defect, a click lies outside its image, or an image shows no lattice
        while others do, or lines or areas are to be learned from it.
    """
    started = time.perf_counter()
    clicked = [frame for frame in request.clicked if frame.labels]
    _check_defects(clicked)
    images, lattices = zip(*(frames.clicked(f, request, report) for f in clicked), strict=True)
    window = window_of_clicks(images, lattices, request.classes)
    used: list[_Frame] = []
    for frame in clicked:
        scale = used[0].ready.residual.sampled.scale if used else None
        used.append(frames.get(frame.key, request, scale, report, window))
    ready = [each.ready for each in used]
    if window is None and (window := window_outside(images, ready, request.classes)):
        used.clear()
        for frame in clicked:
            scale = used[0].ready.residual.sampled.scale if used else None
            used.append(frames.get(frame.key, request, scale, report, window))
    scale = used[0].ready.residual.sampled.scale
    shown = frames.get(request.shown, request, scale, report, window)
    report(Progress("training", _WHOLE // 2, _WHOLE))
    ready = [found.ready for found in used]
    clicks, notes = clicks_of(images, ready)
    names = sorted({click.class_name for click in clicks} - {BULK})
    classes = complete_classes((BULK, *names), request.classes)
    model = model_from_clicks(ready, clicks, classes)
    notes = (*notes, *hidden_notes(model))
    report(Progress("scanning", _WHOLE * 3 // 4, _WHOLE))
    ensemble = quick_ensemble(model, classes, "live", clicks)
    found = search_prepared(shown.micrograph, shown.ready, model, ensemble)
    drawn = draw_classes(found.masks, classes[1:])
    here = next((frame.labels for frame in clicked if frame.key == request.shown), ())
    radius = BULK_RADIUS * shown.ready.unit_px
    clear_around(drawn, [(each.y, each.x) for each in here if each.class_name == BULK], radius)
    counts = {each.name: _count(drawn == n) for n, each in enumerate(classes[1:], start=1)}
    seconds = time.perf_counter() - started
    spec, lattice = ensemble.spec, frames.lattice(request.shown, shown.micrograph)
    size, shape = shown.micrograph.pixel_size_nm, shown.micrograph.frame_shape
    area = searched_nm2(shape, found.map, about_search(lattice, spec), size)
    stated = search_statements(found.map, lattice, spec)
    notes = (*(f"{each[0].upper()}{each[1:]}." for each in stated), *notes)
    if window is not None:
        spots = sum(click.class_name != BULK for click in clicks)
        statement = window_statement(window, spots, images[0].micrograph.pixel_size_nm)
        notes = (statement, *notes)
    return LiveMap(request.shown, classes[1:], drawn, counts, notes, seconds, area)


def draw_classes(masks: MaskStack, classes: Sequence[DefectClass]) -> NDArray[np.uint8]:
    """Draw the masks of several classes into one label image.

    Parameters
    ----------
    masks : MaskStack
        Has a mask of each class.
    classes : sequence of DefectClass
        Class i gets the value i + 1.

    Returns
    -------
    ndarray of uint8, shape (Y, X)
        Point defects lie over lines, lines over areas.
    """
    drawn = np.zeros(masks.shape, np.uint8)
    numbered = list(enumerate(classes, start=1))
    for value, each in sorted(numbered, key=lambda item: _DRAWING_ORDER.index(item[1].kind)):
        for rows, mask in masks.blocks_of(each.name):
            drawn[rows][mask > 0] = value
    return drawn


def clear_around(
    drawn: NDArray[np.uint8], places: Sequence[tuple[float, float]], radius: float
) -> None:
    """Set the pixels within a radius of some places to 0, in place.

    Parameters
    ----------
    drawn : ndarray of uint8, shape (Y, X)
    places : sequence of (y, x)
        In px.
    radius : float
        In px.
    """
    reach = int(np.ceil(radius))
    for y, x in places:
        top, left = max(0, round(y) - reach), max(0, round(x) - reach)
        part = drawn[top : round(y) + reach + 1, left : round(x) + reach + 1]
        rows = np.arange(top, top + part.shape[0]) - y
        columns = np.arange(left, left + part.shape[1]) - x
        part[np.hypot(rows[:, None], columns) <= radius] = 0


def _check_defects(clicked: Sequence[ClickedFrame]) -> None:
    """Refuse clicks on Bulk alone before anything is computed."""
    if all(label.class_name == BULK for frame in clicked for label in frame.labels):
        raise LabelError("no click shows a defect; click at least one place that is not Bulk")


def _micrograph(key: FrameKey, request: LiveMapRequest) -> Micrograph:
    """Return the pixels of a frame, from the request or from the label project."""
    if key == request.shown and request.pixels is not None:
        return request.pixels.micrograph()
    with LabelProject.open(request.project, read_only=True) as project:
        return project.micrograph(key.sha256, key.frame)


def _labelled(micrograph: Micrograph, labels: Sequence[PlacedLabel]) -> LabelledImage:
    y, x = np.array([(each.y, each.x) for each in labels], np.float64).T
    return LabelledImage(micrograph, y, x, tuple(each.class_name for each in labels))


def _count(mask: NDArray[np.bool_]) -> int:
    """Return the number of regions of a mask; pixels at a corner are neighbours."""
    return int(ndimage.label(mask, np.ones((3, 3)))[1])
