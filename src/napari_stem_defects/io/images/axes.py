"""Order of the axes of a stored array: frames, rows (y), columns (x); the one place that decides.

Programs store images with rows or columns first, and stacks with frames first or last. Where a
file names its axes, the names decide; else the last two axes are rows and columns. What cannot be
an image or one stack of images is refused, and what had to be assumed is stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.io.images.pixel_size import unit_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

SPECTRUM = "holds a spectrum or spectrum image, no micrograph"
DIFFRACTION = "holds a diffraction pattern or Fourier transform, no micrograph"

_ROWS = {"y", "r_y", "row", "rows", "height"}
_COLUMNS = {"x", "r_x", "column", "columns", "width"}
_FRAMES = {"t", "z", "time", "frame", "frames", "stack", "depth", "image", "scan", "slice", "tilt"}
_FREQUENCIES = {"kx", "ky", "qx", "qy", "k_x", "k_y", "q_x", "q_y", "kx,ky"}
# A stack of frames so much narrower than it is deep is rows x columns x a few channels.
_FEW, _TIMES_AS_LONG = 32, 4


@dataclass(frozen=True)
class Axis:
    """An axis of a stored array.

    Attributes
    ----------
    size : int
    name : str
        As in the file; empty where it has none.
    scale : object
        Size of one step in ``unit``, as in the file.
    unit : str or None
    is_signal : bool or None
        Whether the program counts it to the image (True) or to the positions at which images or
        spectra were recorded (False); None where the file does not state it.
    """

    size: int
    name: str = ""
    scale: object = None
    unit: str | None = None
    is_signal: bool | None = None


@dataclass(frozen=True)
class Arrangement:
    """How to turn a stored array into an image or stack.

    Attributes
    ----------
    order : tuple of int
        Axes to keep: (y, x), or (frames, y, x). All others have length 1.
    fault : str
        Why the array is no micrograph; empty if it is one.
    note : str
        What was assumed; empty if nothing was.
    """

    order: tuple[int, ...] = ()
    fault: str = ""
    note: str = ""


def arrange(axes: Sequence[Axis]) -> Arrangement:
    """Find rows, columns and frames.

    Parameters
    ----------
    axes : sequence of Axis
        In the order of the array.

    Returns
    -------
    Arrangement
    """
    if any(unit_kind(axis.unit) == "energy" for axis in axes if axis.size > 1) or len(axes) < 2:
        return Arrangement(fault=SPECTRUM)
    rows, columns = _image_axes(axes)
    frames = [i for i, axis in enumerate(axes) if axis.size > 1 and i not in (rows, columns)]
    signal = [axis for axis in axes if axis.size > 1 and axis.is_signal]
    if len(signal) == 1 and any(a.is_signal is False and a.size > 1 for a in axes) and frames:
        return Arrangement(fault=SPECTRUM)
    if len(frames) > 1:
        sizes = " x ".join(str(axis.size) for axis in axes if axis.size > 1)
        fault = f"holds data with {len(frames) + 2} axes ({sizes}), as of 4D-STEM, no micrograph"
        return Arrangement(fault=fault)
    if any(_is_reciprocal(axes[i]) for i in (rows, columns)):
        return Arrangement(fault=DIFFRACTION)
    order = (*frames, rows, columns)
    if not frames:
        return Arrangement(order)
    fault, note = _check_frames(axes[frames[0]], [axes[i] for i in order], frames[0])
    return Arrangement(order, fault, note)


def _image_axes(axes: Sequence[Axis]) -> tuple[int, int]:
    """Return the rows and the columns: by name, else the last two of the image, else the last."""
    names = [axis.name.strip().casefold() for axis in axes]
    rows = [i for i, name in enumerate(names) if name in _ROWS]
    columns = [i for i, name in enumerate(names) if name in _COLUMNS]
    if len(rows) == len(columns) == 1:
        return rows[0], columns[0]
    signal = [i for i, axis in enumerate(axes) if axis.is_signal]
    last = signal if len(signal) == 2 else range(len(axes))
    return last[-2], last[-1]


def _is_reciprocal(axis: Axis) -> bool:
    return unit_kind(axis.unit) == "reciprocal" or axis.name.strip().casefold() in _FREQUENCIES


def _check_frames(frames: Axis, ordered: Sequence[Axis], place: int) -> tuple[str, str]:
    """Refuse channels taken for columns; state where frames are assumed."""
    is_known = frames.name.strip().casefold() in _FRAMES or frames.is_signal is False
    sizes = [axis.size for axis in ordered]
    shape = " x ".join(map(str, sizes))
    few = sizes[2] <= _FEW and min(sizes[:2]) >= _TIMES_AS_LONG * sizes[2]
    if few and frames.name.strip().casefold() not in _FRAMES:
        return (
            f"holds {shape} numbers, {sizes[2]} per place rather than frames",
            "",
        )
    if is_known:
        return "", ""
    which = ("first", "second", "third", "last")[min(place, 3)]
    return "", f"The {which} of its axes ({shape}) was taken for frames."
