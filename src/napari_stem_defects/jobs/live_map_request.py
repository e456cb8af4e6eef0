"""Request and result of a live map: what the clicks so far would find in the frame shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.jobs.frame_input import FrameInput


class FrameKey(NamedTuple):
    """A frame of a micrograph.

    Attributes
    ----------
    sha256 : str
        Hash of the micrograph.
    frame : int
        Index of the frame; 0 for a single image.
    """

    sha256: str
    frame: int


class PlacedLabel(NamedTuple):
    """A click: where it is and what it shows.

    Attributes
    ----------
    y, x : float
        Position in px.
    class_name : str
    """

    y: float
    x: float
    class_name: str


class ClickedFrame(NamedTuple):
    """The clicks of one frame, oldest first."""

    key: FrameKey
    labels: tuple[PlacedLabel, ...]


@dataclass(frozen=True)
class LiveMapRequest:
    """Clicks to learn from, and the frame to search.

    Attributes
    ----------
    project : Path
        Folder of the label project, which contains the pixels of all labelled frames.
    clicked : tuple of ClickedFrame
        Frames with at least one click.
    classes : tuple of DefectClass
        Kinds of the classes.
    shown : FrameKey
        The frame to search.
    pixels : FrameInput or None
        The frame to search, where the project does not contain it.
    """

    project: Path
    clicked: tuple[ClickedFrame, ...]
    classes: tuple[DefectClass, ...]
    shown: FrameKey
    pixels: FrameInput | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class LiveMap:
    """What the clicks find in one frame.

    Attributes
    ----------
    shown : FrameKey
        The frame searched.
    classes : tuple of DefectClass
        The defects; class i has the value i + 1 in ``drawn``.
    drawn : ndarray of uint8, shape (Y, X)
        0 where nothing is found. Point defects lie over lines, lines over areas.
    counts : dict of str to int
        Number of regions of each class.
    notes : tuple of str
        One sentence for each click that was left out, and for what was not searched.
    seconds : float
        Computing time.
    searched_nm2 : float or None
        Area that was searched, nm²; None without a pixel size.
    """

    shown: FrameKey
    classes: tuple[DefectClass, ...]
    drawn: NDArray[np.uint8]
    counts: dict[str, int]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    searched_nm2: float | None = None
